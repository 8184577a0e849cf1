// Real Chromium through every page of the quickstart, as a person uses them.
//
//   node browser.mjs --demo URL --origin URL --mail URL --folder MANIFESTS --chromium WS-URL [--shots DIR] [--only NAME,NAME]

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { applications } from './applications.mjs';
import { Failed, Mailbox, Person, check, eventually, run, settings } from './support.mjs';

const given = settings(['demo', 'origin', 'mail', 'folder', 'chromium']);
const mailbox = new Mailbox(given.mail);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const chrome = await chromium.connectOverCDP(given.chromium);

let people = 0;
const newPerson = () => new Person(`person${(people += 1)}.${Date.now()}@example.com`, 'correct horse battery 1', mailbox);

/** A fresh browser window; what the page refuses or breaks is a failure of the scenario. */
async function visit(options = {}, scenario) {
  const context = await chrome.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  context.setDefaultTimeout(10_000);
  const complaints = [];
  context.on('page', (page) => {
    page.on('pageerror', (error) => complaints.push(`script error: ${error.message}`));
    page.on('console', (message) => {
      if (/Content Security Policy|Refused to|Trusted Type/i.test(message.text())) complaints.push(message.text());
    });
  });
  const page = await context.newPage();
  try {
    await scenario(page, context);
  } catch (error) {
    const text = await page.locator('body').innerText({ timeout: 2000 }).catch(() => '(no page)');
    throw new Failed(`${error.message}\n      at ${page.url()}\n      page: ${text.slice(0, 800)}\n      ${complaints.join('\n      ')}`);
  } finally {
    await context.close();
  }
  if (complaints.length) throw new Failed(complaints.join('; '));
}

// ---- what a person does ---------------------------------------------------------------------------------------

const next = (page) => page.locator('form button[name=action][value=next], form button[type=submit]:not([name]), form button[name=action]').first();
const typed = 'form input:not([type=hidden]):not([type=checkbox]):not([type=radio]):not([readonly])';

/** Fills every field of the page by its purpose; `except` names purposes that are left alone. */
async function fill(page, person, except = {}) {
  for (const field of await page.locator(typed).all()) {
    const purpose = (await field.getAttribute('autocomplete')) ?? '';
    const name = (await field.getAttribute('name')) ?? '';
    if (!(await field.isVisible())) continue;
    const wrong = Object.entries(except).find(([token]) => purpose.split(/\s+/).includes(token));
    const answer = wrong ? wrong[1] : await person.answer(purpose, name);
    if (answer !== undefined) await field.fill(answer);
  }
  for (const box of await page.locator('form input[type=checkbox][required]').all()) await box.check();
}

const has = (page, token) => page.locator(`input[autocomplete~="${token}"]`).first().isVisible();
const atDemo = (page) => page.url().startsWith(new URL(given.demo).origin) && !page.url().startsWith(given.origin);

/** Presses the main button and waits for what comes. */
async function go(page) {
  const token = await formToken(page);
  await next(page).click();
  await page.waitForLoadState('load');
  // A `Refresh` header replaces the page once more.
  if (await page.locator('meta[http-equiv=refresh]').count()) await page.waitForURL((url) => !url.href.includes('continue')).catch(() => {});
  return token;
}

const formToken = (page) => page.locator('form input[type=hidden]').evaluateAll((all) => all.map((i) => i.value).join()).catch(() => '');

/** Goes on until the demo shows its claims, or another `end` is there; `look` sees every page on the way. */
async function finish(page, person, look = async () => {}, end = () => atDemo(page)) {
  for (let step = 0; step < 12; step += 1) {
    if (await eventually('a page with a form, or the demo', async () => end() ? 'demo' : (await next(page).isVisible().catch(() => false)) && 'form') === 'demo') return;
    await look(page);
    await fill(page, person);
    await go(page);
  }
  throw new Failed('the journey does not end');
}

/** The kind of page this is, for naming audits and screenshots. */
async function kind(page) {
  if (await page.locator('[role=alert], [aria-invalid=true]').first().isVisible().catch(() => false)) return 'with-error';
  if (await has(page, 'one-time-code')) return 'code';
  if (await has(page, 'new-password')) return 'new-password';
  if (await has(page, 'current-password')) return 'password';
  if (await has(page, 'username') || (await has(page, 'email'))) return 'identify';
  return (await page.locator(typed).count()) ? 'form' : 'message';
}

async function claimsOf(page, person) {
  await eventually('the demo shows the claims', async () => (await page.locator('body').innerText()).includes(person.address));
}

async function startSignIn(page) {
  await page.goto(given.demo);
  await page.getByRole('link', { name: /sign in/i }).or(page.getByRole('button', { name: /sign in/i })).first().click();
  await page.waitForLoadState('load');
}

/** Follows whatever the first page offers towards another journey: a link, or a button of its form. */
async function offer(page, words) {
  await page.getByRole('link', { name: words }).or(page.getByRole('button', { name: words })).first().click();
  await page.waitForLoadState('load');
}

const signUpWords = /sign up|create (an )?account|register|konto/i;
const resetWords = /forgot|reset/i;

async function signUp(page, person, look) {
  await startSignIn(page);
  await offer(page, signUpWords);
  await finish(page, person, look);
  await claimsOf(page, person);
}

/** An account made in a window of its own. */
async function account() {
  const person = newPerson();
  await visit({}, (page) => signUp(page, person));
  return person;
}

// ---- what must hold on every kind of page ---------------------------------------------------------------------

const examined = new Set();

async function examine(page, prefix = '') {
  const name = `${prefix}${await kind(page)}`;
  if (examined.has(name)) return;
  examined.add(name);
  const size = page.viewportSize();
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [360, 1280]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await audit(page, `${name}, ${colorScheme}, ${width} px`);
      if (given.shots) {
        mkdirSync(given.shots, { recursive: true });
        await page.screenshot({ path: join(given.shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      }
    }
  }
  await page.setViewportSize({ width: 320, height: 600 });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  check(over <= 0, `${name}: no sideways scrolling at 320 px`, `${over} px too wide`);
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(size);
}

async function audit(page, name) {
  // Colours in the middle of a transition are nobody's contrast.
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
  await page.evaluate(axe);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const result = await page.evaluate((values) => globalThis.axe.run(document, { runOnly: { type: 'tag', values } }), tags);
  const found = result.violations.map((v) => `${v.id}: ${v.help} [${v.nodes.map((n) => n.target).join(' ')}]`);
  check(found.length === 0, `${name}: no axe violation`, found);
}

// ---- scenarios ------------------------------------------------------------------------------------------------

const scenarios = {
  'sign-up'() {
    const person = newPerson();
    return visit({}, async (page) => {
      await signUp(page, person, (p) => examine(p, 'sign-up-'));
      check((await mailbox.to(person.address)).length === 1, 'one mail was sent');
    });
  },

  async 'sign-in'() {
    const person = await account();
    await visit({}, async (page) => {
      await startSignIn(page);
      await finish(page, person, (p) => examine(p, 'sign-in-'));
      await claimsOf(page, person);
      check(true, 'a person with an account is signed in');
      await startSignIn(page);
      await claimsOf(page, person);
      check(atDemo(page), 'the second sign-in shows no page');
    });
  },

  async 'wrong password'() {
    const person = await account();
    await visit({}, async (page) => {
      await startSignIn(page);
      for (let step = 0; step < 3 && !(await has(page, 'current-password')); step += 1) {
        await fill(page, person);
        await go(page);
      }
      await fill(page, person, { 'current-password': 'not the password 1' });
      await go(page);
      check(/^Error/i.test(await page.title()), 'the title says that there is an error', await page.title());
      check((await page.locator('input[type=password]').first().inputValue()) === '', 'the password is not kept in the page');
      await examine(page, 'sign-in-');
      await finish(page, person);
      check(true, 'the right password still works');
    });
  },

  async reset() {
    const person = await account();
    const old = person.password;
    await visit({}, async (page) => {
      await startSignIn(page);
      for (let step = 0; step < 3 && !(await page.getByRole('link', { name: resetWords }).or(page.getByRole('button', { name: resetWords })).count()); step += 1) {
        await fill(page, person);
        await go(page);
      }
      await offer(page, resetWords);
      person.password = 'a new horse battery 2';
      await finish(page, person, (p) => examine(p, 'reset-'));
    });
    await visit({}, async (page) => {
      await startSignIn(page);
      await finish(page, person);
      await claimsOf(page, person);
      check(true, 'the new password works');
    });
    await visit({}, async (page) => {
      await startSignIn(page);
      for (let step = 0; step < 3 && !(await has(page, 'current-password')); step += 1) {
        await fill(page, person);
        await go(page);
      }
      await fill(page, person, { 'current-password': old });
      await go(page);
      check(/^Error/i.test(await page.title()), 'the old password is refused', await page.title());
    });
  },

  async 'back button'() {
    const person = await account();
    await visit({}, async (page) => {
      await startSignIn(page);
      await fill(page, person);
      await go(page);
      const seen = page.url();
      await page.goBack();
      check(!/expired|error/i.test(await page.title()), 'the page before is shown, not an error', await page.title());
      await page.goForward().catch(() => page.goto(seen));
      await finish(page, person);
      await claimsOf(page, person);
      check(true, 'the journey goes on after back and forward');
    });
    await visit({}, async (page) => {
      await startSignIn(page);
      await fill(page, person);
      await go(page);
      await page.goBack();
      await finish(page, person);
      await claimsOf(page, person);
      check(true, 'and from the page that back led to');
    });
  },

  async 'two tabs'() {
    const person = await account();
    await visit({}, async (first, context) => {
      const second = await context.newPage();
      await startSignIn(first);
      await startSignIn(second);
      await fill(first, person);
      await go(first);
      await eventually('the code page', () => has(first, 'one-time-code'));
      const later = Object.assign(new Person(person.address, person.password, mailbox), { seen: person.seen + 1 });
      await finish(second, later);
      await claimsOf(second, later);
      check(true, 'the second tab finishes while the first is open');
      await first.reload();
      await finish(first, person);
      await claimsOf(first, person);
      check(true, 'and the first finishes after it');
    });
  },

  async 'double submit'() {
    const person = newPerson();
    await visit({}, async (page) => {
      await startSignIn(page);
      await offer(page, signUpWords);
      for (let step = 0; step < 4 && !(await has(page, 'one-time-code')); step += 1) {
        await fill(page, person);
        await page.evaluate(() => {
          const button = document.querySelector('form button[name=action]');
          button.click();
          button.click();
        });
        await page.waitForLoadState('load');
        await page.waitForTimeout(400);
      }
      check((await mailbox.to(person.address)).length === 1, 'two clicks send one mail', (await mailbox.to(person.address)).length);
      await finish(page, person);
      await claimsOf(page, person);
      check(true, 'and the journey ends well');
    });
  },

  async reload() {
    const person = newPerson();
    await visit({}, async (page) => {
      await startSignIn(page);
      await offer(page, signUpWords);
      for (let step = 0; step < 4 && !(await has(page, 'one-time-code')); step += 1) {
        await page.reload();
        await fill(page, person);
        await go(page);
      }
      await page.reload();
      await page.reload();
      check(await has(page, 'one-time-code'), 'reloading stays on the step');
      check((await mailbox.to(person.address)).length === 1, 'and sends no second mail');
      await finish(page, person);
      await claimsOf(page, person);
    });
  },

  async 'without script'() {
    const person = newPerson();
    await visit({ javaScriptEnabled: false }, async (page) => {
      await signUp(page, person);
      check(true, 'sign-up works without script');
    });
    await visit({ javaScriptEnabled: false }, async (page) => {
      await startSignIn(page);
      await finish(page, person);
      await claimsOf(page, person);
      check(true, 'sign-in works without script');
    });
  },

  async 'keyboard only'() {
    const person = await account();
    await visit({}, async (page) => {
      await startSignIn(page);
      const focused = await page.evaluate(() => document.activeElement?.getAttribute('autocomplete') ?? '');
      check(/username|email/.test(focused), 'the first field has the focus', focused);
      await page.keyboard.type(person.address);
      if (await has(page, 'current-password')) {
        await page.keyboard.press('Tab');
        await page.locator('input[autocomplete~="current-password"]').focus();
        await page.keyboard.type(person.password);
      }
      await page.keyboard.press('Enter');
      await page.waitForLoadState('load');
      await page.waitForTimeout(300);
      check(!/^Error/i.test(await page.title()), 'Enter submits', await page.title());
    });
  },

  async 'German and right-to-left'() {
    await visit({ locale: 'de-DE' }, async (page) => {
      await startSignIn(page);
      check((await page.locator('html').getAttribute('lang'))?.startsWith('de'), 'a German browser gets German pages');
      await examine(page, 'german-');
    });
    await visit({ locale: 'en-GB' }, async (page) => {
      await startSignIn(page);
      check((await page.locator('html').getAttribute('dir')) === 'ltr', 'the direction of writing is said');
      await page.evaluate(() => document.documentElement.setAttribute('dir', 'rtl'));
      await examine(page, 'right-to-left-');
    });
  },

  async 'demo application and mail catcher'() {
    const person = await account();
    await visit({}, async (page) => {
      await page.goto(given.demo);
      await examine(page, 'demo-');
      await startSignIn(page);
      await finish(page, person);
      await examine(page, 'demo-signed-in-');
    });
    await visit({ colorScheme: 'dark' }, async (page) => {
      await page.goto(new URL('mail', given.mail).href);
      const text = await page.locator('main').innerText();
      check(/\d\d:\d\d:\d\d UTC, \d+ s ago/.test(text), 'a mail says when it was sent', text);
      const scheme = await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
      check(/dark/.test(scheme), 'the mail catcher is dark in a dark browser', scheme);
    });
  },

  'pages for visitors who came wrong'() {
    return visit({}, async (page) => {
      for (const path of ['/no-such-page', '/oauth2/authorize', '/oauth2/authorize?client_id=nobody']) {
        const response = await page.goto(given.origin + path);
        check(response.status() >= 400 && response.status() < 500, `${path} is refused`, response.status());
        check((await page.locator('h1').count()) === 1, `${path} shows a page with a heading`);
        await examine(page, `refused${path.replace(/\W+/g, '-')}-`);
      }
    });
  },
};

try {
  await run({ ...scenarios, ...applications({ given, visit, finish, newPerson }) }, given.only);
} finally {
  await chrome.close();
}

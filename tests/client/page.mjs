// A page that signs in by itself, in a real Chromium: the example of oidc-client-ts.
//
//   node page.mjs --page URL --chromium WS-URL --mail URL --address A --password P

import { chromium } from 'playwright-core';
import { Mailbox, Person, check, eventually, run, settings } from './support.mjs';

const given = settings(['page', 'chromium', 'mail', 'address', 'password']);
const person = new Person(given.address, given.password, new Mailbox(given.mail));
const chrome = await chromium.connectOverCDP(given.chromium);

async function claims(page, old) {
  const shown = () => page.locator('#claims').innerText().catch(() => '');
  const found = async () => {
    const text = await shown();
    return text.startsWith('{') && text !== old && text;
  };
  return eventually('the page shows the claims', found);
}

await run({
  async 'sign-in and refresh'() {
    const context = await chrome.newContext();
    try {
      const page = await context.newPage();
      await page.goto(given.page);
      await page.click('#sign-in');
      await page.waitForURL((url) => !url.href.startsWith(given.page));
      for (let step = 0; step < 10 && !page.url().startsWith(given.page); step += 1) {
        for (const field of await page.locator('form input:not([type=hidden])').all()) {
          const answer = await person.answer((await field.getAttribute('autocomplete')) ?? '', (await field.getAttribute('name')) ?? '');
          if (answer !== undefined) await field.fill(answer);
        }
        const before = page.url();
        await page.locator('form button[name=action][value=next]').first().click();
        await page.waitForLoadState('load');
        if (page.url() === before) await page.waitForTimeout(300);
      }
      const first = await claims(page);
      await page.click('#refresh');
      const again = JSON.parse(await claims(page, first));
      const { email, groups, sub, token } = JSON.parse(first);
      check(email === given.address && groups.join() === 'staff', 'the claims are there', first);
      check(again.sub === sub && again.token !== token, 'and a new token after the refresh', again);
    } finally {
      await context.close();
    }
  },
});
process.exit();

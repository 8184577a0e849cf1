// A browser without script over fetch: cookies by host, redirects and Refresh by hand, forms from HTML.

import { Failed } from './support.mjs';

const unescape = (text) =>
  text.replace(/&(lt|gt|quot|#39|#x27|#34|#x2[fF]|amp);/g, (_, name) =>
    ({ lt: '<', gt: '>', quot: '"', '#34': '"', '#39': "'", '#x27': "'", amp: '&' })[name] ?? '/');

function attributes(tag) {
  const found = {};
  for (const [, name, double, single, bare] of tag.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/g)) {
    found[name.toLowerCase()] = unescape(double ?? single ?? bare ?? '');
  }
  return found;
}

/** The forms of a page: `{ action, fields: [{name, value, autocomplete, type}], buttons: [{name, value}] }`. */
export function forms(html) {
  const bare = html.replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, '');
  return [...bare.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head, body]) => {
    const controls = [...body.matchAll(/<(input|button|select|textarea)\b([^>]*)>/gi)];
    const all = controls.map(([, kind, rest]) => ({ kind: kind.toLowerCase(), type: '', value: '', autocomplete: '', ...attributes(rest) }));
    const isButton = (c) => c.kind === 'button' || c.type === 'submit';
    const isUnchecked = (c) => ['checkbox', 'radio'].includes(c.type) && c.checked === undefined;
    return {
      action: attributes(head).action ?? '',
      fields: all.filter((c) => c.name && !isButton(c) && !isUnchecked(c)),
      buttons: all.filter((c) => c.name && isButton(c) && c.type !== 'button'),
    };
  });
}

export class Web {
  constructor(outside) {
    this.outside = outside;
    this.cookies = new Map();
  }

  async request(url, init = {}) {
    const cookie = [...(this.cookies.get(new URL(url).hostname) ?? new Map())].map(([k, v]) => `${k}=${v}`).join('; ');
    const headers = { accept: 'text/html', ...init.headers, ...(cookie && { cookie }) };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    this.keep(new URL(url).hostname, response.headers.getSetCookie());
    return { url, status: response.status, headers: response.headers, text: await response.text() };
  }

  keep(host, lines) {
    const jar = this.cookies.get(host) ?? new Map();
    for (const line of lines) {
      const [pair, ...rest] = line.split(';');
      const at = pair.indexOf('=');
      const gone = rest.some((part) => /^\s*max-age\s*=\s*0\s*$/i.test(part));
      if (gone) jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    this.cookies.set(host, jar);
  }

  /** Follows to the page that stays, or to the first address outside: then `page.left` is that address. */
  async open(url, init) {
    let page = await this.request(url, init);
    for (let hop = 0; hop < 12; hop += 1) {
      const refresh = /url=(.*)$/i.exec(page.headers.get('refresh') ?? '');
      const target = page.status >= 300 && page.status < 400 ? page.headers.get('location') : refresh?.[1];
      if (!target) return page;
      const next = new URL(target, page.url).href;
      if (next.startsWith(this.outside)) return { ...page, left: new URL(next) };
      page = await this.request(next);
    }
    throw new Failed(`more than 12 redirects at ${page.url}`);
  }

  submit(page, form, button) {
    const fields = form.fields.map(({ name, value }) => [name, value]);
    if (button) fields.push([button.name, button.value]);
    const target = new URL(form.action, page.url);
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: target.origin };
    return this.open(target.href, { method: 'POST', headers, body: new URLSearchParams(fields).toString() });
  }

  /** Goes through a journey as `person` until the browser is sent outside; returns that address. */
  async walk(page, person) {
    for (let step = 0; step < 15; step += 1) {
      if (page.left) return page.left;
      const form = forms(page.text).find((f) => f.fields.some((field) => field.type !== 'hidden')) ?? forms(page.text)[0];
      if (!form) throw new Failed(`no form at ${page.url} (${page.status}): ${page.text}`);
      for (const field of form.fields.filter((f) => f.type !== 'hidden')) {
        const answer = await person.answer(field.autocomplete, field.name);
        if (answer !== undefined) field.value = answer;
      }
      page = await this.submit(page, form, form.buttons.find((b) => b.value === 'next') ?? form.buttons[0]);
    }
    throw new Failed(`the journey does not end: ${page.url}: ${page.text}`);
  }
}

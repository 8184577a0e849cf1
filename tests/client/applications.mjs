// An application of another site, in real Chromium: a window of its own for the sign-in, answers by post, requests by
// post, and signing out.

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { check, eventually } from './support.mjs';

const verifier = 'a-verifier-that-is-long-enough-for-rfc-7636-section-4';
const challenge = createHash('sha256').update(verifier).digest('base64url');

/** The application: its start page opens or posts what it is told, its callback tells what it got. */
async function application({ folder, origin }) {
  const received = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const answer = Object.fromEntries(new URLSearchParams(body || url.search));
      if (url.pathname === '/callback') received.push({ method: request.method, ...answer });
      response.setHeader('content-type', 'text/html');
      response.end(page(url.pathname));
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const home = `http://localhost:${server.address().port}`;
  const client = {
    apiVersion: 'idflow.dev/v1alpha1',
    kind: 'OIDCClient',
    metadata: { name: 'other-site', namespace: 'acme' },
    spec: { authentication: 'None', redirectURIs: [`${home}/callback`], postLogoutRedirectURIs: [`${home}/bye`] },
  };
  writeFileSync(join(folder, 'other-site.yaml'), JSON.stringify(client));
  const request = (more = {}) => ({
    client_id: 'other-site', redirect_uri: `${home}/callback`, response_type: 'code', scope: 'openid', state: 's',
    code_challenge: challenge, code_challenge_method: 'S256', ...more,
  });
  const authorize = (more) => `${origin}/oauth2/authorize?${new URLSearchParams(request(more))}`;
  await eventually('the client is served', async () => {
    const answer = await fetch(authorize({ prompt: 'none' }), { redirect: 'manual' });
    return answer.status === 303;
  });
  const exchange = async (code) => {
    const form = { grant_type: 'authorization_code', client_id: 'other-site', redirect_uri: `${home}/callback`, code, code_verifier: verifier };
    const answer = await fetch(`${origin}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
    return answer.json();
  };
  return { home, request, authorize, received, exchange, close: () => server.close() };
}

const page = (path) => `<!doctype html><title>${path}</title><h1>${path}</h1><script>
  addEventListener('message', (event) => { document.title = 'told ' + event.data });
  if (location.pathname === '/callback' && window.opener) window.opener.postMessage('it arrived', '*');
</script>`;

/** Posts a form to another site, as an application does. */
const post = (page, action, fields) => page.evaluate(([action, fields]) => {
  const form = document.createElement('form');
  Object.assign(form, { method: 'post', action });
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement('input');
    Object.assign(input, { type: 'hidden', name, value });
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}, [action, fields]);

/** The scenarios, with what a person does. */
export const applications = ({ given, visit, finish, newPerson }) => ({
  'an application of another site'() {
    return visit({}, async (start, context) => {
      const app = await application({ folder: given.folder, origin: given.origin });
      try {
        const person = newPerson();
        await start.goto(app.home);
        const opened = context.waitForEvent('page');
        await start.evaluate((url) => { window.opened = window.open(url, 'sign-in', 'popup,width=500,height=700'); }, app.authorize({ prompt: 'create' }));
        const popup = await opened;
        popup.setDefaultTimeout(10_000);
        await finish(popup, person, async () => {}, () => popup.url().startsWith(app.home));
        await eventually('the window tells its opener', async () => (await start.title()) === 'told it arrived');
        check(await start.evaluate(() => !window.opened.closed), 'the application still sees its window');
        await popup.close();
        const answered = app.received.at(-1);
        check(answered.method === 'GET' && answered.code && answered.state === 's', 'the code came by the address', answered);

        await start.goto(app.home);
        await post(start, `${given.origin}/oauth2/authorize`, app.request());
        await start.waitForURL(`${app.home}/callback**`);
        check(app.received.at(-1).code, 'a request by post of another site signs in silently', app.received.at(-1));

        await start.goto(app.authorize({ response_mode: 'form_post' }));
        await start.waitForURL(`${app.home}/callback`);
        const posted = app.received.at(-1);
        check(posted.method === 'POST' && posted.code && posted.state === 's' && posted.iss === given.origin, 'the code came by post', posted);

        const { id_token } = await app.exchange(posted.code);
        await start.goto(app.home);
        const leaving = { id_token_hint: id_token, post_logout_redirect_uri: `${app.home}/bye`, state: 'left' };
        await post(start, `${given.origin}/oauth2/logout`, leaving);
        await start.waitForURL(`${app.home}/bye?state=left`);
        await start.goto(app.authorize({ prompt: 'none' }));
        await start.waitForURL(`${app.home}/callback**`);
        check(app.received.at(-1).error === 'login_required', 'after signing out nobody is signed in silently', app.received.at(-1));
      } finally {
        app.close();
      }
    });
  },
});

// A real OpenID Connect client against a running provider: openid-client does everything that is not a page.
//
//   node oidc.mjs --issuer URL --client ID [--secret S] --redirect URL --mail URL --address A --password P

import * as client from 'openid-client';
import { Mailbox, Person, check, run, settings } from './support.mjs';
import { Web } from './web.mjs';

const given = settings(['issuer', 'client', 'redirect', 'mail', 'address', 'password']);
const scope = given.scope ?? 'openid profile email offline_access';
const person = new Person(given.address, given.password, new Mailbox(given.mail));
const web = new Web(given.redirect);
person.seen = (await person.mailbox.to(person.address)).length;

const insecure = { execute: [client.allowInsecureRequests] };
const authentication = {
  none: () => client.None(),
  basic: () => client.ClientSecretBasic(given.secret),
  post: () => client.ClientSecretPost(given.secret),
};
const discover = (method) =>
  client.discovery(new URL(given.issuer), given.client, undefined, authentication[method](), insecure);
const methods = given.secret ? ['basic', 'post'] : ['none'];
const config = await discover(methods[0]);
let tokens;

/** Starts an authorization request; returns where it led and what the grant needs. */
async function authorize(browser, more = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: given.redirect,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  });
  return { page: await browser.open(url.href), checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true } };
}

async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

await run({
  async discovery() {
    const metadata = config.serverMetadata();
    check(metadata.issuer === given.issuer, 'the issuer is the one that was asked for', metadata.issuer);
    check(metadata.supportsPKCE('S256'), 'S256 is announced');
    check(metadata.authorization_response_iss_parameter_supported === true, 'iss in responses is announced');
    for (const url of [metadata.token_endpoint, metadata.jwks_uri, metadata.userinfo_endpoint]) {
      check(url?.startsWith(given.issuer), 'an endpoint is below the issuer', url);
    }
  },

  async 'sign-in'() {
    const { page, checks } = await authorize(web);
    check(!page.left, 'somebody without a session sees a page', String(page.left));
    const callback = await web.walk(page, person);
    tokens = await client.authorizationCodeGrant(config, callback, checks);
    const claims = tokens.claims();
    check(claims.iss === given.issuer && claims.sub.length >= 16, 'the ID token names issuer and subject', claims);
    check(claims.email === person.address || claims.email === undefined, 'the address is this person’s', claims.email);
    check(tokens.expires_in > 0 && tokens.refresh_token, 'access and refresh token are there');
    const again = await refusal(() => client.authorizationCodeGrant(config, callback, checks));
    check(again?.error === 'invalid_grant', 'a code works once', again?.error ?? 'accepted');
  },

  async userinfo() {
    // Using a code twice withdraws what it gave, so this starts from a fresh one.
    const { page, checks } = await authorize(web);
    check(page.left, 'somebody with a session sees no page', page.url);
    tokens = await client.authorizationCodeGrant(config, page.left, checks);
    const info = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    check(info.email === person.address, 'UserInfo tells the address', info);
    const refused = await refusal(() => client.fetchUserInfo(config, 'forged', tokens.claims().sub));
    check(refused, 'UserInfo refuses a forged token');
  },

  async refresh() {
    const next = await client.refreshTokenGrant(config, tokens.refresh_token);
    check(next.access_token !== tokens.access_token, 'a new access token');
    check(next.refresh_token && next.refresh_token !== tokens.refresh_token, 'the refresh token is rotated');
    const info = await client.fetchUserInfo(config, next.access_token, tokens.claims().sub);
    check(info.sub === tokens.claims().sub, 'the new access token works');
    tokens = { ...next, old: tokens.refresh_token };
  },

  async 'single sign-on'() {
    const { page, checks } = await authorize(web, { prompt: 'none' });
    check(page.left?.searchParams.has('code'), 'prompt=none gives a code while there is a session', String(page.left ?? page.url));
    const second = await client.authorizationCodeGrant(config, page.left, checks);
    check(second.claims().sub, 'and the code gives tokens');
    const stranger = await authorize(new Web(given.redirect), { prompt: 'none' });
    const error = stranger.page.left?.searchParams;
    check(error?.get('error') === 'login_required', 'without one it answers login_required', String(stranger.page.left ?? stranger.page.url));
    check(error.get('iss') === given.issuer && error.get('state') === stranger.checks.expectedState, 'with iss and state');
  },

  async 'prompt=login and max_age'() {
    const forced = await authorize(web, { prompt: 'login' });
    check(!forced.page.left, 'prompt=login shows a page despite the session', String(forced.page.left));
    await new Promise((done) => setTimeout(done, 1100));
    const stale = await authorize(web, { max_age: '1' });
    check(!stale.page.left, 'so does a session older than max_age', String(stale.page.left));
  },

  async 'wrong verifier and wrong redirect'() {
    const { page, checks } = await authorize(web);
    const wrong = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
    const refused = await refusal(() => client.authorizationCodeGrant(config, page.left, wrong));
    check(refused?.error === 'invalid_grant', 'another code verifier is refused', refused?.error ?? 'accepted');
    const elsewhere = await authorize(web, { redirect_uri: 'https://attacker.example/callback' });
    check(!elsewhere.page.left && elsewhere.page.status === 400, 'an unknown redirect URI gets a page, no redirect', elsewhere.page.status);
  },

  async 'client authentication'() {
    for (const method of methods) {
      const other = await discover(method);
      const { page, checks } = await authorize(web);
      check((await client.authorizationCodeGrant(other, page.left, checks)).access_token, `${method} is accepted`);
    }
    if (!given.secret) return;
    const { page, checks } = await authorize(web);
    const forged = await client.discovery(new URL(given.issuer), given.client, undefined, client.ClientSecretBasic('wrong'), insecure);
    const refused = await refusal(() => client.authorizationCodeGrant(forged, page.left, checks));
    check(refused?.error === 'invalid_client' || refused?.status === 401, 'a wrong secret is refused', refused?.error ?? 'accepted');
  },

  async 'reuse of a rotated refresh token'() {
    // Until its successor is used, the token before it gets the same one again: an answer may have been lost.
    tokens.refresh_token = (await client.refreshTokenGrant(config, tokens.refresh_token)).refresh_token;
    const reused = await refusal(() => client.refreshTokenGrant(config, tokens.old));
    check(reused?.error === 'invalid_grant', 'a rotated refresh token is refused', reused?.error ?? 'accepted');
    const family = await refusal(() => client.refreshTokenGrant(config, tokens.refresh_token));
    check(family?.error === 'invalid_grant', 'and takes its whole family with it', family?.error ?? 'accepted');
  },
}, given.only);

// Signs the visitor of / in, shows the claims, refreshes at /refresh, and signs out at /logout. One visitor at a time: it
// is an example.

import { createServer } from 'node:http';
import * as client from 'openid-client';

const { ISSUER, PORT, CLIENT_SECRET } = process.env;
const own = `http://127.0.0.1:${PORT}`;
const insecure = { execute: [client.allowInsecureRequests] };
const config = await client.discovery(new URL(ISSUER), 'openid-client', CLIENT_SECRET, undefined, insecure);
let checks;
let tokens;

async function begin() {
  checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() };
  return client.buildAuthorizationUrl(config, {
    redirect_uri: `${own}/callback`,
    scope: 'openid profile email groups offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
  });
}

/** Ends the own session, then the provider's, which brings the browser back to /bye. */
function leave() {
  const { id_token } = tokens;
  tokens = undefined;
  return client.buildEndSessionUrl(config, { id_token_hint: id_token, post_logout_redirect_uri: `${own}/bye` });
}

async function answer(url) {
  if (url.pathname === '/') return { to: await begin() };
  if (url.pathname === '/logout') return { to: leave() };
  if (url.pathname === '/bye') return { claims: {} };
  if (url.pathname === '/callback') tokens = await client.authorizationCodeGrant(config, url, checks);
  if (url.pathname === '/refresh') tokens = await client.refreshTokenGrant(config, tokens.refresh_token);
  return { claims: tokens.claims() };
}

createServer(async (request, response) => {
  try {
    const { to, claims } = await answer(new URL(request.url, own));
    response.writeHead(to ? 303 : 200, to ? { location: to.href } : { 'content-type': 'application/json' });
    response.end(to ? '' : JSON.stringify(claims));
  } catch (error) {
    response.writeHead(500).end(String(error.cause ?? error));
  }
}).listen(PORT, '127.0.0.1');

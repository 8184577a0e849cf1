// Signs the visitor of / in, shows the claims, and refreshes at /refresh.

import { randomBytes } from 'node:crypto';
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import { Strategy } from 'passport-openidconnect';

const { ISSUER, PORT, CLIENT_SECRET } = process.env;
const settings = {
  issuer: ISSUER,
  authorizationURL: `${ISSUER}/oauth2/authorize`,
  tokenURL: `${ISSUER}/oauth2/token`,
  userInfoURL: `${ISSUER}/oauth2/userinfo`,
  clientID: 'passport',
  clientSecret: CLIENT_SECRET,
  callbackURL: `http://127.0.0.1:${PORT}/callback`,
  scope: ['profile', 'email', 'groups', 'offline_access'],
  nonce: true,
};
passport.use(
  new Strategy(settings, (issuer, profile, context, idToken, accessToken, refreshToken, done) =>
    done(null, { claims: claims(idToken), refreshToken }),
  ),
);
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const claims = (idToken) => JSON.parse(Buffer.from(idToken.split('.')[1], 'base64url'));

async function refresh(user) {
  const form = { grant_type: 'refresh_token', refresh_token: user.refreshToken, client_id: 'passport', client_secret: CLIENT_SECRET };
  const answer = await fetch(settings.tokenURL, { method: 'POST', body: new URLSearchParams(form) });
  if (!answer.ok) throw new Error(await answer.text());
  const tokens = await answer.json();
  return { claims: claims(tokens.id_token), refreshToken: tokens.refresh_token };
}

const app = express();
app.use(session({ secret: randomBytes(32).toString('hex'), resave: false, saveUninitialized: false }));
app.use(passport.session());
app.get('/', passport.authenticate('openidconnect'));
app.get('/callback', passport.authenticate('openidconnect', { failWithError: true }), (request, response) =>
  response.json(request.user.claims),
);
app.get('/refresh', async (request, response) => {
  request.session.passport.user = await refresh(request.user);
  response.json(request.session.passport.user.claims);
});
app.listen(PORT, '127.0.0.1');

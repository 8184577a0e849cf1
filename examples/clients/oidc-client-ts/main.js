// Signs in, shows the claims, and refreshes.

const issuer = await (await fetch('issuer')).text();
const { UserManager } = globalThis.oidc;
const manager = new UserManager({
  authority: issuer,
  client_id: 'oidc-client-ts',
  redirect_uri: `${location.origin}/`,
  scope: 'openid profile email groups offline_access',
});
const show = (user) => {
  document.getElementById('claims').textContent = JSON.stringify({ ...user.profile, token: user.access_token });
};

document.getElementById('sign-in').onclick = () => manager.signinRedirect();
document.getElementById('refresh').onclick = async () => show(await manager.signinSilent());
if (new URLSearchParams(location.search).has('code')) show(await manager.signinRedirectCallback());

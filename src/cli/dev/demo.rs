//! The demo application: a small relying party that really performs the authorization code flow with PKCE and
//! shows what it was told. What it does, it does by the provider's discovery document.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE};
use idflow_core::chance::token;
use idflow_core::digest::Digest;
use idflow_executor::app;
use idflow_oidc::client::{Client, GrantType};
use idflow_oidc::scope::OPENID;
use idflow_pages::escape;
use serde::Deserialize;
use serde_json::Value;

use super::page::page;

/// One cookie for each sign-in that was begun, so that two tabs do not disturb each other.
const COOKIE_PREFIX: &str = "idflow-demo-";

/// The cookie of the application's own session.
const SESSION: &str = "idflow-demo-session";

/// The demo application's own settings.
#[derive(Clone)]
pub(super) struct Demo {
    /// The provider.
    pub(super) issuer: String,
    /// Where this application listens, without a trailing slash.
    pub(super) origin: String,
    /// What the provider serves now. Only what the application may offer is taken from it.
    pub(super) app: app::Shared,
    /// Sign-ins that were begun and not finished, by state.
    pending: Arc<Mutex<BTreeMap<String, Pending>>>,
    /// Who has signed in, by the value of their cookie.
    visitors: Arc<Mutex<BTreeMap<String, Visitor>>>,
}

/// Somebody who has signed in.
struct Visitor {
    name: String,
    /// Where they sign out at the provider.
    goodbye: Option<String>,
}

/// One sign-in that was begun.
struct Pending {
    browser: String,
    client_id: String,
    nonce: String,
    verifier: String,
}

/// What the application can offer.
pub(super) struct Offers {
    client_id: String,
    registration: bool,
}

/// What the application asks the provider for beyond a usual sign-in.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Prompt {
    /// To sign the visitor in anew, whatever session there is (OpenID Connect Core 3.1.2.1).
    Login,
    /// To create an account (OpenID Connect Initiating User Registration 1.0).
    Create,
}

#[derive(Debug, Deserialize)]
struct Wanted {
    prompt: Option<Prompt>,
    /// The visitor's languages, passed on as they are (OpenID Connect Core 3.1.2.1).
    ui_locales: Option<String>,
}

impl Demo {
    /// The application that listens at `origin`.
    pub(super) fn at(origin: String, issuer: String, app: &app::Shared) -> Self {
        Self { issuer, origin, app: Arc::clone(app), pending: Arc::default(), visitors: Arc::default() }
    }

    fn callback(&self) -> String {
        format!("{}/callback", self.origin)
    }

    /// What it can offer now; the error says what is lacking for a sign-in.
    pub(super) fn offers(&self) -> Result<Offers, String> {
        let (configuration, callback) = (self.app.configuration.load(), self.callback());
        if configuration.flows.is_empty() {
            return Err("no Flow is served".to_owned());
        }
        let client = fitting(configuration.clients.values(), &callback).ok_or_else(|| {
            format!("no OIDCClient fits the demo application: one needs authentication None and the redirect URI {callback}")
        })?;
        let has = |flow_type: &str| {
            configuration.flow_of_type(flow_type, client.flows.get(flow_type).map(String::as_str)).is_some()
        };
        if !has("Login") {
            return Err("no Flow of type Login is served for everybody: mark one with default: true".to_owned());
        }
        Ok(Offers { client_id: client.id.clone(), registration: has("Registration") })
    }

    fn token(&self) -> String {
        token(self.app.chance.as_ref())
    }
}

/// The client that the application can be: the one called `demo`, else the first.
fn fitting<'a>(clients: impl Iterator<Item = &'a Arc<Client>> + Clone, callback: &str) -> Option<&'a Client> {
    let fits = |client: &&Client| {
        client.is_public()
            && !client.disabled
            && client.grants.contains(&GrantType::AuthorizationCode)
            && client.scopes.iter().any(|scope| scope == OPENID)
            && client.accepts_redirect(callback)
    };
    let fitting = clients.map(AsRef::as_ref).filter(fits);
    fitting.clone().find(|client| client.id == "demo").or_else(|| fitting.clone().next())
}

/// The application's routes.
pub(super) fn routes(demo: Demo) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/login", get(login))
        .route("/callback", get(callback))
        .route("/logout", get(logout))
        .layer(axum::middleware::map_response(forgotten))
        .with_state(demo)
}

/// Who has signed out goes back to no page that says who they were.
async fn forgotten(mut page: Response) -> Response {
    page.headers_mut().insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    page
}

type Shared = State<Demo>;

async fn home(State(demo): Shared, headers: http::HeaderMap) -> Html<String> {
    let create = "<a class=\"button quiet\" href=\"/login?prompt=create\">Create an account</a>";
    let offers = match demo.offers() {
        Ok(Offers { registration, .. }) => {
            format!("<a class=button href=/login>Sign in</a>{}", if registration { create } else { "" })
        }
        Err(lacking) => format!("Nobody can sign in now: {}.", escape(&lacking)),
    };
    let issuer = escape(&demo.issuer);
    let visitors = demo.visitors.lock();
    let visitor = visitors.as_deref().ok().and_then(|known| known.get(cookie(&headers, SESSION)?));
    let known = match visitor {
        Some(Visitor { name, .. }) => format!(
            "<p>You are signed in as <b>{}</b>.</p><p><a class=\"button quiet\" href=/logout>Sign out</a></p>",
            escape(name)
        ),
        None => "<p>This application does not know you.</p>".to_owned(),
    };
    let body = format!(
        "{known}<p>It asks <code>{issuer}</code> who you are, by OpenID Connect.</p>\
         <p>{offers}</p><p><a href=\"{issuer}/dev/mail\">Mail catcher</a></p>"
    );
    page("Demo application", "", &body)
}

async fn login(State(demo): Shared, Query(wanted): Query<Wanted>) -> Response {
    match begin(&demo, &wanted).await {
        Ok((cookie, url)) => ([(SET_COOKIE, cookie)], Redirect::to(&url)).into_response(),
        Err(problem) => failed(&problem),
    }
}

async fn begin(demo: &Demo, wanted: &Wanted) -> Result<(String, String), String> {
    let Offers { client_id, .. } = demo.offers()?;
    let discovery = fetch(&format!("{}/.well-known/openid-configuration", demo.issuer), None).await?;
    let endpoint = discovery["authorization_endpoint"].as_str().ok_or("discovery names no authorization endpoint")?;
    let state = demo.token();
    let pending =
        Pending { browser: demo.token(), client_id, nonce: demo.token(), verifier: demo.token() };
    let mut url = url::Url::parse(endpoint).map_err(|error| error.to_string())?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &pending.client_id)
        .append_pair("redirect_uri", &demo.callback())
        .append_pair("scope", "openid profile email offline_access")
        .append_pair("state", &state)
        .append_pair("nonce", &pending.nonce)
        .append_pair("code_challenge", &challenge(&pending.verifier))
        .append_pair("code_challenge_method", "S256");
    if let Some(locales) = &wanted.ui_locales {
        url.query_pairs_mut().append_pair("ui_locales", locales);
    }
    match wanted.prompt {
        Some(Prompt::Login) => drop(url.query_pairs_mut().append_pair("prompt", "login")),
        Some(Prompt::Create) => drop(url.query_pairs_mut().append_pair("prompt", "create")),
        None => {}
    }
    let (name, secret) = (cookie_name(&state), &pending.browser);
    let cookie = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600");
    if let Ok(mut open) = demo.pending.lock() {
        open.insert(state, pending);
    }
    Ok((cookie, url.into()))
}

async fn callback(
    State(demo): Shared,
    Query(query): Query<BTreeMap<String, String>>,
    headers: http::HeaderMap,
) -> Response {
    match finish(&demo, &query, &headers).await {
        Ok((cookie, html)) => ([(SET_COOKIE, cookie)], html).into_response(),
        Err(problem) => failed(&problem),
    }
}

/// Ends the application's own session, and sends the visitor on to end the provider's.
async fn logout(State(demo): Shared, headers: http::HeaderMap) -> Response {
    let session = cookie(&headers, SESSION).unwrap_or_default();
    let visitor = demo.visitors.lock().ok().and_then(|mut known| known.remove(session));
    let to = visitor.and_then(|visitor| visitor.goodbye).unwrap_or_else(|| "/".to_owned());
    ([(SET_COOKIE, own_cookie("", 0))], Redirect::to(&to)).into_response()
}

fn own_cookie(value: &str, seconds: u32) -> String {
    format!("{SESSION}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

async fn finish(
    demo: &Demo,
    query: &BTreeMap<String, String>,
    headers: &http::HeaderMap,
) -> Result<(String, Html<String>), String> {
    let state = query.get("state").ok_or("the answer has no state")?;
    let pending = demo.pending.lock().ok().and_then(|mut open| open.remove(state));
    let pending = pending.ok_or("this sign-in was never begun, or finished before; begin again")?;
    if browser(headers, state) != Some(&*pending.browser) || query.get("iss") != Some(&demo.issuer) {
        return Err("browser or issuer does not match: the answer is not for this sign-in".to_owned());
    }
    if let Some(error) = query.get("error") {
        let why = query.get("error_description").map(|why| format!(": {why}")).unwrap_or_default();
        return Err(format!("the provider answered {error}{why}"));
    }
    let code = query.get("code").ok_or("the provider sent no code")?;
    let discovery = fetch(&format!("{}/.well-known/openid-configuration", demo.issuer), None).await?;
    let endpoint = |name: &str| discovery[name].as_str().map(str::to_owned).ok_or(format!("discovery lacks {name}"));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &demo.callback()),
        ("client_id", &pending.client_id),
        ("code_verifier", &pending.verifier),
    ];
    let tokens = post(&endpoint("token_endpoint")?, &form).await?;
    let claims = claims(&tokens)?;
    if claims["nonce"].as_str() != Some(&pending.nonce) || claims["iss"].as_str() != Some(&demo.issuer) {
        return Err("the ID token is not for this sign-in".to_owned());
    }
    let access = tokens["access_token"].as_str().ok_or("the provider sent no access token")?;
    let user_info = fetch(&endpoint("userinfo_endpoint")?, Some(access)).await?;
    let name = [&user_info["name"], &user_info["email"], &claims["sub"]].into_iter().find_map(Value::as_str);
    let name = name.unwrap_or("you").to_owned();
    let html = signed_in(&name, &claims, &user_info);
    let (session, goodbye) = (demo.token(), goodbye(demo, &pending.client_id, &discovery, &tokens));
    if let Ok(mut known) = demo.visitors.lock() {
        known.insert(session.clone(), Visitor { name, goodbye });
    }
    Ok((own_cookie(&session, 3600), html))
}

/// Where the visitor signs out (RP-Initiated Logout 1.0), and comes back from where the client allows that.
fn goodbye(demo: &Demo, client_id: &str, discovery: &Value, tokens: &Value) -> Option<String> {
    let mut url = url::Url::parse(discovery["end_session_endpoint"].as_str()?).ok()?;
    url.query_pairs_mut().append_pair("id_token_hint", tokens["id_token"].as_str()?);
    let home = format!("{}/", demo.origin);
    if demo.app.client(client_id)?.accepts_post_logout_redirect(&home) {
        url.query_pairs_mut().append_pair("post_logout_redirect_uri", &home);
    }
    Some(url.into())
}

fn browser<'a>(headers: &'a http::HeaderMap, state: &str) -> Option<&'a str> {
    cookie(headers, &cookie_name(state))
}

fn cookie<'a>(headers: &'a http::HeaderMap, wanted: &str) -> Option<&'a str> {
    let mut pairs = headers.get(COOKIE)?.to_str().ok()?.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

fn cookie_name(state: &str) -> String {
    format!("{COOKIE_PREFIX}{}", state.get(..12).unwrap_or(state))
}

fn challenge(verifier: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Digest::of(verifier).as_bytes())
}

/// The ID token's claims. It came straight from the token endpoint, so the connection vouches for it
/// (OpenID Connect Core 3.1.3.7, item 6).
fn claims(tokens: &Value) -> Result<Value, String> {
    use base64::Engine as _;
    let token = tokens["id_token"].as_str().ok_or("the provider sent no ID token")?;
    let payload = token.split('.').nth(1).ok_or("the ID token is not a JWT")?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

#[expect(clippy::disallowed_methods, reason = "a demonstration that calls only the provider on this machine")]
fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(10)).build().unwrap_or_default()
}

async fn fetch(url: &str, bearer: Option<&str>) -> Result<Value, String> {
    let mut request = client().get(url);
    if let Some(token) = bearer {
        request = request.bearer_auth(token);
    }
    answer(request.send().await).await
}

async fn post(url: &str, form: &[(&str, &str)]) -> Result<Value, String> {
    answer(client().post(url).form(form).send().await).await
}

async fn answer(response: reqwest::Result<reqwest::Response>) -> Result<Value, String> {
    let response = response.map_err(|error| error.to_string())?;
    let status = response.status();
    let body: Value = response.json().await.map_err(|error| error.to_string())?;
    if status.is_success() { Ok(body) } else { Err(format!("the provider answered {status}: {body}")) }
}

fn signed_in(name: &str, claims: &Value, user_info: &Value) -> Html<String> {
    let row = |(name, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("<tr><th>{}<td>{}", escape(name), escape(&text))
    };
    let table = |value: &Value| value.as_object().into_iter().flatten().map(row).collect::<String>();
    let body = format!(
        "<p>You stay signed in at the provider, so that the button of the start page now brings you straight back \
         here. This one asks for a fresh sign-in (<code>prompt=login</code>):</p>\
         <p><a class=button href=\"/login?prompt=login\">Sign in again</a><a class=\"button quiet\" href=/>Start page</a><a class=\"button quiet\" href=/logout>Sign out</a></p>\
         <h2>ID token</h2><table id=claims>{}</table><h2>UserInfo</h2><table id=userinfo>{}</table>",
        table(claims),
        table(user_info)
    );
    page(&format!("Hello, {name}"), "", &body)
}

fn failed(problem: &str) -> Response {
    let body = format!("<p>{}</p><p><a class=button href=/>Begin again</a></p>", escape(problem));
    (StatusCode::BAD_REQUEST, page("The sign-in did not work", "", &body)).into_response()
}

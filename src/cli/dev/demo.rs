//! The demo application: a small relying party that really performs the authorization code flow with PKCE and
//! shows what it was told. It knows the provider by its discovery document only.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{COOKIE, SET_COOKIE};
use idflow_core::chance::{Chance, token};
use idflow_core::digest::Digest;
use idflow_pages::escape;
use serde_json::Value;

/// One cookie for each sign-in that was begun, so that two tabs do not disturb each other.
const COOKIE_PREFIX: &str = "idflow-demo-";

/// The demo application's own settings.
pub(super) struct Demo {
    /// The provider.
    pub(super) issuer: String,
    /// Where this application listens, without a trailing slash.
    pub(super) origin: String,
    /// Its client identifier.
    pub(super) client_id: String,
    /// Where state and verifiers come from.
    pub(super) chance: std::sync::Arc<dyn Chance>,
    /// Sign-ins that were begun and not finished, by state.
    pub(super) pending: Mutex<BTreeMap<String, Pending>>,
}

/// One sign-in that was begun.
pub(super) struct Pending {
    browser: String,
    nonce: String,
    verifier: String,
}

/// The application's routes.
pub(super) fn routes(demo: Demo) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/login", get(login))
        .route("/callback", get(callback))
        .with_state(std::sync::Arc::new(demo))
}

type Shared = State<std::sync::Arc<Demo>>;

async fn home(State(demo): Shared) -> Html<String> {
    page(
        "Demo application",
        &format!(
            "<p>This application knows nobody. It asks <code>{}</code> who you are.</p>\
             <p><a class=button href=/login>Sign in</a></p>\
             <p><a href=\"{1}/flows/sign-up\">Create an account</a> · <a href=\"{1}/dev/mail\">Mail catcher</a></p>",
            escape(&demo.issuer),
            escape(&demo.issuer)
        ),
    )
}

async fn login(State(demo): Shared) -> Response {
    match begin(&demo).await {
        Ok((cookie, url)) => ([(SET_COOKIE, cookie)], Redirect::to(&url)).into_response(),
        Err(problem) => failed(&problem),
    }
}

async fn begin(demo: &Demo) -> Result<(String, String), String> {
    let discovery = fetch(demo, &format!("{}/.well-known/openid-configuration", demo.issuer), None).await?;
    let endpoint = discovery["authorization_endpoint"].as_str().ok_or("discovery names no authorization endpoint")?;
    let state = token(demo.chance.as_ref());
    let pending = Pending {
        browser: token(demo.chance.as_ref()),
        nonce: token(demo.chance.as_ref()),
        verifier: token(demo.chance.as_ref()),
    };
    let mut url = url::Url::parse(endpoint).map_err(|error| error.to_string())?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &demo.client_id)
        .append_pair("redirect_uri", &format!("{}/callback", demo.origin))
        .append_pair("scope", "openid profile email offline_access")
        .append_pair("state", &state)
        .append_pair("nonce", &pending.nonce)
        .append_pair("code_challenge", &challenge(&pending.verifier))
        .append_pair("code_challenge_method", "S256");
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
        Ok(html) => html.into_response(),
        Err(problem) => failed(&problem),
    }
}

async fn finish(
    demo: &Demo,
    query: &BTreeMap<String, String>,
    headers: &http::HeaderMap,
) -> Result<Html<String>, String> {
    let state = query.get("state").ok_or("the answer has no state")?;
    let pending = demo.pending.lock().ok().and_then(|mut open| open.remove(state));
    let pending = pending.ok_or("this sign-in was never begun, or finished before; begin again")?;
    if browser(headers, state) != Some(&*pending.browser) || query.get("iss") != Some(&demo.issuer) {
        return Err("browser or issuer does not match: the answer is not for this sign-in".to_owned());
    }
    if let Some(error) = query.get("error") {
        return Err(format!("the provider answered {error}"));
    }
    let code = query.get("code").ok_or("the provider sent no code")?;
    let discovery = fetch(demo, &format!("{}/.well-known/openid-configuration", demo.issuer), None).await?;
    let endpoint = |name: &str| discovery[name].as_str().map(str::to_owned).ok_or(format!("discovery lacks {name}"));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &format!("{}/callback", demo.origin)),
        ("client_id", &demo.client_id),
        ("code_verifier", &pending.verifier),
    ];
    let tokens = post(&endpoint("token_endpoint")?, &form).await?;
    let claims = claims(&tokens)?;
    if claims["nonce"].as_str() != Some(&pending.nonce) || claims["iss"].as_str() != Some(&demo.issuer) {
        return Err("the ID token is not for this sign-in".to_owned());
    }
    let access = tokens["access_token"].as_str().ok_or("the provider sent no access token")?;
    let user_info = fetch(demo, &endpoint("userinfo_endpoint")?, Some(access)).await?;
    Ok(signed_in(&claims, &user_info))
}

fn browser<'a>(headers: &'a http::HeaderMap, state: &str) -> Option<&'a str> {
    let wanted = cookie_name(state);
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

async fn fetch(_demo: &Demo, url: &str, bearer: Option<&str>) -> Result<Value, String> {
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

fn signed_in(claims: &Value, user_info: &Value) -> Html<String> {
    let row = |(name, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("<tr><th>{}<td>{}", escape(name), escape(&text))
    };
    let table = |value: &Value| value.as_object().into_iter().flatten().map(row).collect::<String>();
    let name = user_info["name"].as_str().or(user_info["email"].as_str()).or(claims["sub"].as_str()).unwrap_or("you");
    page(
        &format!("Hello, {name}"),
        &format!(
            "<h2>ID token</h2><table id=claims>{}</table><h2>UserInfo</h2><table id=userinfo>{}</table>\
             <p><a class=button href=/>Again</a></p>",
            table(claims),
            table(user_info)
        ),
    )
}

fn failed(problem: &str) -> Response {
    let body = format!("<p>{}</p><p><a class=button href=/>Begin again</a></p>", escape(problem));
    (StatusCode::BAD_REQUEST, page("The sign-in did not work", &body)).into_response()
}

fn page(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{0}</title><style>body{{font:1rem/1.5 system-ui;max-width:44rem;margin:3rem auto;padding:0 1rem;\
         color-scheme:light dark}}th{{text-align:start;padding-inline-end:1.5rem;vertical-align:top}}\
         td{{overflow-wrap:anywhere}}.button{{display:inline-block;padding:.7rem 1.4rem;border-radius:.5rem;\
         background:#1d4ed8;color:#fff;text-decoration:none}}</style><h1>{0}</h1>{body}",
        escape(title)
    ))
}

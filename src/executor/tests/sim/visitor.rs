//! A browser without script, over the router: cookies, forms, one address.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, REFRESH, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use idflow_core::digest::Digest;
use idflow_test_support::form::{Form, forms};
use serde_json::Value;

use crate::world::{ISSUER, World};

const REDIRECT: &str = "https://app.example.com/callback";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636-section-4";

/// A finished answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// Where it redirects to.
    pub(crate) fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    /// The form of a journey's page.
    pub(crate) fn form(&self) -> Option<Form> {
        forms(&self.body).into_iter().find(|form| form.has_field("token"))
    }

    pub(crate) fn token(&self) -> Option<String> {
        let form = self.form()?;
        form.fields.iter().find(|field| field.name == "token").map(|field| field.value.clone())
    }

    /// The code that the page, or a redirect without one, hands to the application.
    pub(crate) fn code(&self) -> Option<String> {
        let target = match self.headers.get(REFRESH) {
            Some(refresh) => refresh.to_str().ok()?.split_once("url=")?.1,
            None => self.location()?,
        };
        let url = url::Url::parse(target).ok()?;
        assert!(target.starts_with(REDIRECT), "sent to {target}");
        url.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned())
    }

    /// What support can be told, where the page says it.
    pub(crate) fn reference(&self) -> Option<&str> {
        self.body.split_once("Reference: <bdi>")?.1.split('<').next()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// A browser.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) peer: SocketAddr,
    pub(crate) agent: String,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { cookies: BTreeMap::new(), peer: ([127, 0, 0, 1], 50_000).into(), agent: "sim".to_owned() }
    }

    pub(crate) async fn get(&mut self, world: &World, path: &str) -> Answer {
        let answer = world.send(self.request(Method::GET, path).body(Body::empty()).unwrap()).await;
        self.take_cookies(&answer);
        answer
    }

    /// Posts a form's encoded body.
    pub(crate) async fn post(&mut self, world: &World, path: &str, body: &str) -> Answer {
        let answer = world.send(self.post_request(path, body)).await;
        self.take_cookies(&answer);
        answer
    }

    /// The request a browser would send for a form, not yet sent.
    pub(crate) fn post_request(&self, path: &str, body: &str) -> Request<Body> {
        let request = self.request(Method::POST, path).header(ORIGIN, ISSUER);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(Body::from(body.to_owned())).unwrap()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(path).header(USER_AGENT, &self.agent);
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        request.extension(self.peer)
    }

    pub(crate) fn take_cookies(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Begins what the application asks for and returns the journey's path.
    pub(crate) async fn authorize(&mut self, world: &World, more: &str) -> String {
        let answer = self.get(world, &authorize_path(more)).await;
        answer.location().unwrap_or_else(|| panic!("no journey: {answer:?}")).to_owned()
    }
}

/// An authorization request of the application; `more` are further parameters, such as `&prompt=create`.
pub(crate) fn authorize_path(more: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Digest::of(VERIFIER).as_bytes());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs([
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", "openid email offline_access"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    format!("/oauth2/authorize?{}{more}", query.finish())
}

/// The application's exchange of a code.
pub(crate) async fn exchange(world: &World, code: &str) -> Answer {
    redeem(world, "app", code).await
}

/// Some application's exchange of a code.
pub(crate) async fn redeem(world: &World, client: &str, code: &str) -> Answer {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs([
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("code", code),
    ]);
    Browser::new().post(world, "/oauth2/token", &body.finish()).await
}

/// The application's use of its refresh token.
pub(crate) async fn refresh(world: &World, tokens: &Value) -> Answer {
    refreshed(world, "app", tokens).await
}

/// Some application's use of its refresh token.
pub(crate) async fn refreshed(world: &World, client: &str, tokens: &Value) -> Answer {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    body.extend_pairs([("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)]);
    Browser::new().post(world, "/oauth2/token", &body.finish()).await
}

/// The application's look at the user.
pub(crate) async fn userinfo(world: &World, tokens: &Value) -> Answer {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("an access token"));
    let request = Browser::new().request(Method::GET, "/oauth2/userinfo").header("authorization", bearer);
    world.send(request.body(Body::empty()).unwrap()).await
}

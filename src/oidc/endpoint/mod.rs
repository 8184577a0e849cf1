//! The provider's addresses: one file each, one word in the list below.
//!
//! An endpoint is a row of facts and two steps: it reads a request, which then says what it rests on ([`Wanted`]);
//! told these facts, the request decides. Everything that surrounds an endpoint follows from its row: the server
//! routes, limits, marks cross-origin answers and words errors by it, and the metadata document is made of it.

use idflow_core::chance::Chance;
use idflow_core::counter::Rate;
use idflow_core::grant::{AuthorizationRequest, Grant};
use idflow_core::id::{GrantId, SessionId};
use idflow_core::secret::SecretText;
use idflow_core::session::{EndSessionRequest, Session};
use idflow_core::time::Timestamp;
use idflow_core::user::User;
use serde_json::Value;

use crate::claims::OwnClaims;
use crate::client::{Client, Credentials};
use crate::handle::Secrets;
use crate::http::{Incoming, Method, Response, Returned};
use crate::keys::{Keys, SigningFailed};
use crate::provider::Provider;
use crate::refusal::Refusal;

macro_rules! endpoints {
    ($($name:ident;)+) => {
        $(pub mod $name;)+

        /// Every endpoint, in the order of a sign-in.
        pub const ENDPOINTS: &[&Endpoint] = &[$(&$name::ENDPOINT),+];
    };
}

endpoints! {
    discovery;
    jwks;
    authorize;
    token;
    userinfo;
    introspection;
    revocation;
    end_session;
}

/// One row of the table.
#[derive(Debug)]
pub struct Endpoint {
    /// The name of its file.
    pub name: &'static str,
    /// Where it is served, under the issuer.
    pub paths: &'static [&'static str],
    /// The methods it takes; any other is 405. HEAD is taken where GET is.
    pub methods: &'static [&'static str],
    /// Who reads its errors.
    pub errors: Errors,
    /// Who may call it from a page of another origin.
    pub cors: Cors,
    /// How often one network may call it on one server.
    pub calls: Rate,
    /// What it adds to the metadata document, given its own absolute address.
    pub metadata: fn(address: &str) -> Value,
    /// Reads a request.
    pub read: Read,
}

/// How an endpoint reads a request.
pub type Read = fn(&Incoming<'_>, &Surroundings<'_>) -> Result<Box<dyn Request>, Refusal>;

/// Who reads an endpoint's errors, of whatever kind: a missing parameter, a body that is too large, a defect.
#[derive(Debug, Clone, Copy)]
pub enum Errors {
    /// A person: a page of ours.
    Page,
    /// A program: JSON. The function words a refusal, with the headers that go with it.
    Json(fn(Refusal) -> Response),
}

/// Who may call an endpoint from a page of another origin (checklist O-36).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cors {
    /// Nobody.
    Never,
    /// Pages of origins that some client registered, never with the browser's credentials.
    RegisteredOrigins,
}

/// What every request may know of where and when it is.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The tenant's provider.
    pub provider: &'a Provider,
    /// Its keys.
    pub keys: &'a Keys,
    /// The time.
    pub now: Timestamp,
    /// Randomness.
    pub chance: &'a dyn Chance,
    /// The secrets that are derived.
    pub secrets: &'a dyn Secrets,
}

/// A request that could be read. Nothing is judged yet.
pub trait Request: Send + Sync {
    /// The facts to load before it can be decided.
    fn wanted(&self) -> Wanted<'_>;

    /// Who says to be the client, where a client shows who it is.
    fn credentials(&self) -> Option<&Credentials> {
        None
    }

    /// Decides, over the facts and nothing else.
    fn decide<'a>(&self, around: &Surroundings<'a>, facts: &Facts<'a>)
    -> Result<Decision<'a>, SigningFailed>;
}

/// What a request rests on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The client of this identifier.
    pub client: Option<&'a str>,
    /// This grant, with its user.
    pub grant: Option<GrantId>,
    /// The session that the browser's cookie proves, with its user.
    pub session: bool,
    /// The browser's session whatever it is worth: it is to end.
    pub ending: bool,
    /// The client's off switch, where nothing else leads to it: whoever begins a journey for it finds it there, and who
    /// shows a grant finds it at the grant.
    pub switch: bool,
}

/// What was found of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The client, if there is one.
    pub client: Option<&'a Client>,
    /// The grant, if there is one in this tenant's store.
    pub grant: Option<&'a Grant>,
    /// Whether what was proven for the grant is less than the tenant demands today.
    pub falls_short: bool,
    /// The grant's user, if there still is one.
    pub user: Option<&'a User>,
    /// What the client's registration computes as claims, for whoever is to tell them.
    pub claims: Option<&'a dyn OwnClaims>,
    /// The browser's session and its user, if both exist.
    pub signed_in: Option<(&'a Session, &'a User)>,
    /// The browser's session, whatever it is worth.
    pub ending: Option<&'a Session>,
}

impl<'a> Facts<'a> {
    /// The client that these credentials are of. It comes before every other judgement: who is not the client learns
    /// nothing about codes and tokens.
    pub fn authenticated(&self, credentials: &Credentials) -> Result<&'a Client, Refusal> {
        let client = self.client.ok_or(Refusal::UnregisteredClient)?;
        client.authenticate(credentials).map(|()| client)
    }
}

/// What a request leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision<'a> {
    /// An answer; nothing is written.
    Answer(Response),
    /// A refusal, worded as the endpoint's row says; nothing is written, and nothing of the request is shown to a
    /// person (checklist O-2).
    Refuse(Refusal),
    /// Back to the application with an error; nothing is written.
    RedirectError {
        /// The answer that says so.
        to: Returned,
        /// Why.
        refusal: Refusal,
    },
    /// To this path of ours; nothing is written.
    GoOn(String),
    /// Tokens for the client itself; nothing is written.
    IssueToClient(Response),
    /// The grant is written on the condition that the loaded one is unchanged, then the answer is given. When that
    /// fails, the facts are loaded and the request is decided again.
    Write(Box<Written>),
    /// A journey that is to answer the application.
    StartJourney(AuthorizationRequest),
    /// Single sign-on: the session is enough. Answer by [`authorize::issue`].
    IssueCode {
        /// The request to answer.
        request: AuthorizationRequest,
        /// The session to answer from; its use is to be noted.
        session: &'a Session,
        /// Its user.
        user: &'a User,
    },
    /// The session is to end, if the visitor wants it, and the browser goes where the request says.
    EndSession(Box<Leaving<'a>>),
}

/// A request to sign out.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaving<'a> {
    /// How it was sent.
    pub method: Method,
    /// The request.
    pub request: EndSessionRequest,
    /// The session that is to end; nothing where nobody is signed in any more.
    pub session: Option<&'a Session>,
    /// Of which session the application has shown an ID token.
    pub hinted: Option<SessionId>,
    /// The form token of a confirmation, as sent.
    pub confirmation: Option<SecretText>,
    /// Whether the Logout flow is to do it, where there is one.
    pub by_flow: bool,
    /// What is wrong with what the application sent, so that nothing of it counts.
    pub refusal: Option<Refusal>,
}

/// A grant that changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The grant to write.
    pub grant: Grant,
    /// What that is called in audit records and metrics.
    pub event: &'static str,
    /// Why, where it is a refusal.
    pub refusal: Option<Refusal>,
    /// The answer, given when it is written.
    pub answer: Response,
    /// What its ID token could not hold.
    pub left_out: Option<&'static str>,
}

impl Endpoint {
    /// The endpoint that a path belongs to: one of its own addresses, or anything below one.
    pub fn governing(path: &str) -> Option<&'static Self> {
        let covers =
            |own: &&str| path.strip_prefix(*own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        ENDPOINTS.iter().copied().find(|endpoint| endpoint.paths.iter().any(covers))
    }

    /// The absolute address of an endpoint of a provider.
    pub fn address(&self, provider: &Provider) -> String {
        self.paths.first().map(|path| provider.address(path)).unwrap_or_default()
    }

    /// Whether it takes a method.
    pub fn takes(&self, method: &str) -> bool {
        self.methods.contains(&if method == "HEAD" { "GET" } else { method })
    }

    /// What an answer to any other method says that it takes (RFC 9110 section 10.2.1).
    pub fn allow(&self) -> String {
        self.methods.join(", ")
    }

    /// The cross-origin headers of every answer to a page of `origin`, which some client registered or none did.
    /// Caches must tell origins apart also where the answer is for none.
    pub fn cors(&self, origin: Option<&str>, is_registered: bool) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if self.cors == Cors::RegisteredOrigins {
            headers.push(("vary", "Origin".to_owned()));
            let allowed = origin.filter(|_| is_registered);
            headers.extend(allowed.map(|origin| ("access-control-allow-origin", origin.to_owned())));
        }
        headers
    }

    /// The answer's further headers to an allowed preflight request (Fetch standard); its status is 204.
    pub fn preflight(&self) -> Vec<(&'static str, String)> {
        vec![
            ("access-control-allow-methods", self.allow()),
            ("access-control-allow-headers", "authorization, content-type".to_owned()),
            ("access-control-max-age", "600".to_owned()),
        ]
    }
}

/// Adds parameters to a registered address and leaves the rest of it alone (RFC 6749 section 3.1.2).
pub(crate) fn with_query(uri: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let mut given = given.peekable();
    if given.peek().is_none() {
        return uri.to_owned();
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    let joint = match uri.split_once('?') {
        None => "?",
        Some((_, before)) if before.is_empty() || before.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{joint}{query}")
}

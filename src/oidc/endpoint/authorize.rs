//! The authorization endpoint (RFC 6749 section 4.1.1, OpenID Connect Core 3.1.2).
//!
//! Facts to load after [`parse`]: the client; the session that the browser's cookie proves, from this tenant's store,
//! with its user. Of a journey's end, the executor calls [`issue`] or [`refuse`].

use idflow_core::counter::Rate;
use idflow_core::grant::{AuthorizationRequest, Grant, GrantStage};
use idflow_core::id::GrantId;
use idflow_core::secret::SecretText;
use idflow_core::session::Session;
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::{User, UserState};
use serde_json::json;

use crate::acr::Strength;
use crate::client::{Client, GrantType, PkcePolicy};
use crate::endpoint::{self, Cors, Decision, Endpoint, Errors, Facts, Surroundings, Wanted};
use crate::handle::{self, Code};
use crate::http::Incoming;
use crate::keys::SigningFailed;
use crate::parameters::Parameters;
use crate::pkce;
use crate::provider::Provider;
use crate::refusal::Refusal;
use crate::scope::{self, OFFLINE_ACCESS, OPENID, has};
use crate::tokens::hinted_subject;

/// The row of the table.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "authorize",
    paths: &["/oauth2/authorize"],
    methods: &["GET", "POST"],
    errors: Errors::Page,
    cors: Cors::Never,
    // Journeys that begin are limited beside this, more narrowly.
    calls: Rate { burst: 300, per_second: 100 },
    metadata: |address| {
        json!({
            "authorization_endpoint": address,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "select_account", "consent", "create"],
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "authorization_response_iss_parameter_supported": true,
        })
    },
    read: |incoming, _| Ok(Box::new(parse(incoming)?)),
};

/// An authorization request as sent: nothing is judged yet.
#[derive(Debug, Clone)]
pub struct Request {
    parameters: Parameters,
}

impl endpoint::Request for Request {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { client: self.parameters.get("client_id"), session: true, ..Wanted::default() }
    }

    fn decide<'a>(
        &self,
        around: &Surroundings<'a>,
        facts: &Facts<'a>,
    ) -> Result<Decision<'a>, SigningFailed> {
        Ok(decide(self, around, facts))
    }
}

/// Reads a request. What cannot be read is refused on a page and never redirected.
pub fn parse(incoming: &Incoming<'_>) -> Result<Request, Refusal> {
    Ok(Request { parameters: incoming.parameters()? })
}

/// Decides a request.
pub fn decide<'a>(request: &Request, around: &Surroundings<'_>, facts: &Facts<'a>) -> Decision<'a> {
    let now = around.now;
    let parameters = &request.parameters;
    let (client, redirect_uri) = match addressee(parameters, facts.client) {
        Ok(known) => known,
        Err(refusal) => return Decision::Refuse(refusal),
    };
    let state = parameters.get("state");
    let back = |refusal| Decision::RedirectError {
        url: error_url(around.provider, redirect_uri, state, refusal),
        refusal,
    };
    let (request, silent) = match validate(parameters, client, redirect_uri) {
        Ok(valid) => valid,
        Err(refusal) => return back(refusal),
    };
    let fitting = facts.signed_in.filter(|(session, user)| {
        agrees_with_hint(parameters, around, user)
            && suffices(&request, session, user, now, now)
            && Strength::of(&session.evidence, user.id).meets(&request.acr_values)
    });
    match fitting {
        Some((session, user)) if !request.fresh => Decision::IssueCode { request, session, user },
        _ if silent => back(Refusal::LoginRequired),
        _ => Decision::StartJourney(request),
    }
}

/// Who asks, and where the answer goes. Until both are certain nothing is redirected.
fn addressee<'a>(
    parameters: &'a Parameters,
    client: Option<&'a Client>,
) -> Result<(&'a Client, &'a str), Refusal> {
    let id = parameters.get("client_id").ok_or(Refusal::MissingClientId)?;
    let client = client.filter(|client| client.id == id && !client.disabled).ok_or(Refusal::UnknownClient)?;
    let redirect_uri = parameters.get("redirect_uri").ok_or(Refusal::MissingRedirectUri)?;
    if !client.accepts_redirect(redirect_uri) {
        return Err(Refusal::UnregisteredRedirectUri);
    }
    Ok((client, redirect_uri))
}

/// The request as it will be fixed for the journey, and whether no page may be shown.
fn validate(
    parameters: &Parameters,
    client: &Client,
    redirect_uri: &str,
) -> Result<(AuthorizationRequest, bool), Refusal> {
    check_kind(parameters, client)?;
    let scopes = client.granted(&scope::parse(parameters.get("scope").unwrap_or_default()));
    if scopes.is_empty() {
        return Err(Refusal::NoScope);
    }
    let code_challenge = challenge(parameters, client, &scopes)?;
    let prompt = Prompt::parse(parameters)?;
    let max_age = parameters.get("max_age").map(seconds).transpose()?;
    let request = AuthorizationRequest {
        client_id: client.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        scopes,
        state: parameters.text("state"),
        nonce: parameters.text("nonce"),
        code_challenge,
        max_age,
        // A maximum age of zero asks for the same (OpenID Connect Core 3.1.2.1).
        fresh: matches!(prompt, Prompt::Interaction | Prompt::Registration) || max_age == Some(0),
        registration: prompt == Prompt::Registration,
        acr_values: parameters.words("acr_values"),
        ui_locales: parameters.words("ui_locales"),
        // A hint that no field can hold is none.
        login_hint: parameters.text("login_hint").filter(|hint| !hint.contains(char::is_control)),
    };
    Ok((request, prompt == Prompt::None))
}

/// Only the code flow with plain parameters and an answer in the query (checklist O-11, O-12, O-30).
fn check_kind(parameters: &Parameters, client: &Client) -> Result<(), Refusal> {
    let unsupported = [
        ("request", Refusal::RequestObject),
        ("request_uri", Refusal::RequestUri),
        ("registration", Refusal::Registration),
    ];
    if let Some((_, refusal)) = unsupported.into_iter().find(|(name, _)| parameters.get(name).is_some()) {
        return Err(refusal);
    }
    match parameters.get("response_type") {
        None => return Err(Refusal::MissingResponseType),
        Some("code") => {}
        Some(_) => return Err(Refusal::UnsupportedResponseType),
    }
    if parameters.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(Refusal::UnsupportedResponseMode);
    }
    if !client.grants.contains(&GrantType::AuthorizationCode) {
        return Err(Refusal::GrantNotAllowed);
    }
    Ok(())
}

fn challenge(parameters: &Parameters, client: &Client, scopes: &[String]) -> Result<Option<String>, Refusal> {
    let method = parameters.get("code_challenge_method");
    let Some(challenge) = parameters.get("code_challenge") else {
        if method.is_some() || client.pkce == PkcePolicy::Required || client.is_public() {
            return Err(Refusal::MissingChallenge);
        }
        let bound = has(scopes, OPENID) && parameters.get("nonce").is_some();
        return if bound { Ok(None) } else { Err(Refusal::MissingNonce) };
    };
    // An absent method means `plain` (RFC 7636 section 4.3).
    if method != Some("S256") {
        return Err(Refusal::UnsupportedChallengeMethod);
    }
    if !pkce::is_challenge(challenge) {
        return Err(Refusal::MalformedChallenge);
    }
    Ok(Some(challenge.to_owned()))
}

#[derive(PartialEq, Eq)]
enum Prompt {
    Absent,
    None,
    Interaction,
    Registration,
}

impl Prompt {
    /// Choosing another account or agreeing again is done by taking part in a new sign-in: until consent has a flow
    /// of its own, `consent` and `select_account` mean what `login` means, and are never met silently.
    fn parse(parameters: &Parameters) -> Result<Self, Refusal> {
        let words = parameters.words("prompt");
        let known = |word: &String| {
            matches!(word.as_str(), "none" | "login" | "select_account" | "consent" | "create")
        };
        if !words.iter().all(known) {
            return Err(Refusal::UnknownPrompt);
        }
        match words.iter().any(|word| word == "none") {
            true if words.len() > 1 => Err(Refusal::ContradictoryPrompt),
            true => Ok(Self::None),
            false if words.is_empty() => Ok(Self::Absent),
            false if words.iter().any(|word| word == "create") => Ok(Self::Registration),
            false => Ok(Self::Interaction),
        }
    }
}

fn seconds(text: &str) -> Result<i64, Refusal> {
    let digits = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(Refusal::MalformedMaxAge)
}

/// A hint narrows and never widens: a session of another subject does not answer it, and neither does any session
/// when the hint cannot be verified (checklist O-28).
fn agrees_with_hint(parameters: &Parameters, around: &Surroundings<'_>, user: &User) -> bool {
    parameters.get("id_token_hint").is_none_or(|hint| {
        hinted_subject(around.provider, around.keys, hint)
            .is_some_and(|subject| subject == user.id.to_string())
    })
}

/// Whether a session may answer a request that was made at `asked`: alive, of this active user, and as recently
/// authenticated as demanded. What happened since `asked` is always recent enough, so that a person who takes long
/// over the last page is not sent round in circles.
fn suffices(
    request: &AuthorizationRequest,
    session: &Session,
    user: &User,
    asked: Timestamp,
    now: Timestamp,
) -> bool {
    let recent = session.authenticated >= asked
        || (!request.fresh
            && request.max_age.is_none_or(|age| now.since(session.authenticated) <= Span::seconds(age)));
    session.is_alive(now) && session.user == Some(user.id) && user.state == UserState::Active && recent
}

/// What [`issue`] answers from.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The request.
    pub request: &'a AuthorizationRequest,
    /// The session that answers it.
    pub session: &'a Session,
    /// Its user.
    pub user: &'a User,
    /// The flow that was run, or that the session is used instead of.
    pub flow: &'a str,
    /// When the request was made: the journey's start, or now for single sign-on.
    pub asked: Timestamp,
    /// The new grant's id. Derive it and the secret from the journey's id with a tenant key, so that the same
    /// request gives the same answer; for single sign-on draw both.
    pub grant: GrantId,
    /// The code's secret: at least 22 characters of base64url.
    pub secret: &'a SecretText,
}

/// A code was issued.
#[derive(Debug, Clone, PartialEq)]
pub struct Issued {
    /// To be created before the answer is sent.
    pub grant: Grant,
    /// Where the answer goes.
    pub redirect: String,
}

/// Issues a code. Refuses with `login_required` when the session does not meet the request after all, for example
/// when a journey re-used a session although a fresh sign-in was demanded (checklist O-27).
pub fn issue(provider: &Provider, answer: &Answer<'_>, now: Timestamp) -> Result<Issued, Refusal> {
    let Answer { request, session, user, flow, asked, grant, secret } = *answer;
    if !suffices(request, session, user, asked, now) {
        return Err(Refusal::LoginRequired);
    }
    let expires = now.plus(provider.lifetimes.of_code());
    let ends = if has(&request.scopes, OFFLINE_ACCESS) {
        now.plus(provider.lifetimes.grant)
    } else {
        expires.plus(provider.lifetimes.access_token)
    };
    let grant = Grant {
        id: grant,
        request: request.clone(),
        user: user.id,
        session: session.id,
        flow: Some(flow.to_owned()),
        evidence: session.evidence.clone(),
        authenticated: session.authenticated,
        stage: GrantStage::Code { secret: handle::digest(secret), expires },
        expires: ends,
    };
    let redirect = code_url(provider, request, grant.id, secret);
    Ok(Issued { grant, redirect })
}

/// The address that carries a code back (RFC 6749 section 4.1.2, RFC 9207): for answering a repeated request again
/// without issuing again.
pub fn code_url(
    provider: &Provider,
    request: &AuthorizationRequest,
    grant: GrantId,
    secret: &SecretText,
) -> String {
    let code = Code { grant, secret: secret.clone() }.text();
    let pairs = [
        ("code", Some(code.expose_for("returning it to the application"))),
        ("state", request.state.as_deref()),
        ("iss", Some(provider.issuer.as_str())),
    ];
    with_query(&request.redirect_uri, &pairs)
}

/// The address that carries a refusal back, when a journey ends without a sign-in.
pub fn refuse(provider: &Provider, request: &AuthorizationRequest, refusal: Refusal) -> String {
    error_url(provider, &request.redirect_uri, request.state.as_deref(), refusal)
}

fn error_url(provider: &Provider, redirect_uri: &str, state: Option<&str>, refusal: Refusal) -> String {
    let pairs = [
        ("error", Some(refusal.code())),
        ("error_description", Some(refusal.description())),
        ("state", state),
        ("iss", Some(provider.issuer.as_str())),
    ];
    with_query(redirect_uri, &pairs)
}

/// Adds parameters to a registered address and leaves the rest of it alone (RFC 6749 section 3.1.2).
fn with_query(uri: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    let joint = match uri.split_once('?') {
        None => "?",
        Some((_, before)) if before.is_empty() || before.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{joint}{query}")
}

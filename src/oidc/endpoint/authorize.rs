//! The authorization endpoint (RFC 6749 section 4.1.1, OpenID Connect Core 3.1.2).
//!
//! Facts to load after [`parse`]: the client; the session that the browser's cookie proves, from this tenant's store,
//! with its user. Of a journey's end, the executor calls [`issue`] or [`refuse`].

use idflow_core::counter::Rate;
use idflow_core::grant::{AuthorizationRequest, Grant, GrantStage};
use idflow_core::id::{GrantId, UserId};
use idflow_core::secret::SecretText;
use idflow_core::session::Session;
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::{User, UserState};
use serde_json::json;

use crate::acr::Strength;
use crate::client::{Client, GrantType, PkcePolicy};
use crate::endpoint::{self, Cors, Decision, Endpoint, Errors, Facts, Surroundings, Wanted};
use crate::handle::{self, Code};
use crate::http::{Incoming, Method, Returned};
use crate::keys::SigningFailed;
use crate::parameters::Parameters;
use crate::pkce;
use crate::provider::Provider;
use crate::refusal::Refusal;
use crate::scope::{self, OFFLINE_ACCESS, OPENID, has};
use crate::tokens::Hint;

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
            "response_modes_supported": ["query", "form_post"],
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "select_account", "consent", "create"],
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "authorization_response_iss_parameter_supported": true,
        })
    },
    read,
};

/// The parameters that count here. Of these a repeated one is an error, others are ignored.
const KNOWN: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "acr_values",
    "ui_locales",
    "login_hint",
    "id_token_hint",
    STAND_IN,
    "request",
    "request_uri",
    "registration",
];

/// In an address of ours, what stands for the `id_token_hint` that was sent (see [`handle::stand_in`]).
pub const STAND_IN: &str = "idflow_hint";

/// What stands for a hint that means nobody: no person's identifier.
const NOBODY: &str = "none";

/// An authorization request as sent: nothing is judged yet.
#[derive(Debug, Clone)]
pub struct Request {
    parameters: Parameters,
}

/// A request that came by POST. Browsers send the session's cookie along with no post of another site, so it is made
/// again as a GET: else whoever is signed in would have to sign in once more.
struct Posted {
    address: String,
}

/// The longest address that a request is made again at: whatever stands before us takes that much (RFC 9110 section 4.1).
pub const LONGEST_ADDRESS: usize = 8000;

fn read(incoming: &Incoming<'_>, around: &Surroundings<'_>) -> Result<Box<dyn endpoint::Request>, Refusal> {
    if incoming.method == Method::Get {
        return Ok(Box::new(parse(incoming)?));
    }
    let path = ENDPOINT.paths.first().copied().unwrap_or_default();
    let address = format!("{path}?{}", query(incoming, around)?);
    // What no address can hold is answered as it came: better to sign in once more than not at all.
    if address.len() > LONGEST_ADDRESS {
        Ok(Box::new(parse(incoming)?))
    } else {
        Ok(Box::new(Posted { address }))
    }
}

/// All that was sent, as a query in which no token stands.
fn query(incoming: &Incoming<'_>, around: &Surroundings<'_>) -> Result<String, Refusal> {
    let client = incoming.pairs()?.find(|(name, _)| name == "client_id").map(|(_, client)| client);
    let stand_in = |hint: &str| match hinted(around, hint) {
        Some(user) => handle::stand_in(around.secrets, client.as_deref().unwrap_or_default(), user),
        None => NOBODY.to_owned(),
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in incoming.pairs()? {
        match &*name {
            "id_token_hint" if !value.is_empty() => query.append_pair(STAND_IN, &stand_in(&value)),
            _ => query.append_pair(&name, &value),
        };
    }
    Ok(query.finish())
}

impl endpoint::Request for Posted {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::default()
    }

    fn decide<'a>(&self, _: &Surroundings<'a>, _: &Facts<'a>) -> Result<Decision<'a>, SigningFailed> {
        Ok(Decision::GoOn(self.address.clone()))
    }
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
    Ok(Request { parameters: incoming.parameters(KNOWN)? })
}

/// Decides a request.
pub fn decide<'a>(request: &Request, around: &Surroundings<'_>, facts: &Facts<'a>) -> Decision<'a> {
    let now = around.now;
    let parameters = &request.parameters;
    let (client, redirect_uri) = match addressee(parameters, facts.client) {
        Ok(known) => known,
        Err(refusal) => return Decision::Refuse(refusal),
    };
    let form_post = is_form_post(parameters, redirect_uri);
    let back = |refusal| Decision::RedirectError {
        to: error(around.provider, redirect_uri, form_post, parameters.get("state"), refusal),
        refusal,
    };
    let (request, silent) = match validate(parameters, around, client, redirect_uri) {
        Ok(valid) => valid,
        Err(refusal) => return back(refusal),
    };
    let fitting = facts.signed_in.filter(|(session, user)| {
        declines(&request, user.id).is_none()
            && suffices(&request, session, user, false, now)
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
    parameters.check(&["client_id", "redirect_uri"])?;
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
    around: &Surroundings<'_>,
    client: &Client,
    redirect_uri: &str,
) -> Result<(AuthorizationRequest, bool), Refusal> {
    parameters.check(KNOWN)?;
    check_kind(parameters, client, redirect_uri)?;
    let scopes = client.granted(&scope::parse(parameters.get("scope").unwrap_or_default()));
    if scopes.is_empty() {
        return Err(Refusal::NoScope);
    }
    let code_challenge = challenge(parameters, client, &scopes)?;
    let prompt = Prompt::parse(parameters)?;
    let max_age = parameters.get("max_age").map(seconds).transpose()?;
    let named = named(parameters, around, client);
    let asks_anew = matches!(prompt, Prompt::Interaction | Prompt::Registration);
    let request = AuthorizationRequest {
        client_id: client.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        scopes,
        state: parameters.text("state"),
        nonce: parameters.text("nonce"),
        code_challenge,
        max_age,
        // A maximum age of zero asks for the same (OpenID Connect Core 3.1.2.1), and so does who names nobody we know.
        fresh: asks_anew || max_age == Some(0) || named == Named::Nobody,
        registration: prompt == Prompt::Registration,
        acr_values: parameters.words("acr_values"),
        ui_locales: parameters.words("ui_locales"),
        login_hint: parameters.text("login_hint").filter(|hint| can_be_typed(hint)),
        hinted: if let Named::Person(user) = named { Some(user) } else { None },
        form_post: is_form_post(parameters, redirect_uri),
    };
    Ok((request, prompt == Prompt::None))
}

/// A hint that no field can hold is none.
fn can_be_typed(hint: &str) -> bool {
    const LONGEST_HINT: usize = 1024;
    hint.len() <= LONGEST_HINT && !hint.contains(char::is_control)
}

/// Only the code flow with plain parameters, and an answer in the query or in a post (checklist O-11, O-12, O-30).
fn check_kind(parameters: &Parameters, client: &Client, redirect_uri: &str) -> Result<(), Refusal> {
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
    let is_in_query = parameters.get("response_mode").is_none_or(|mode| mode == "query");
    if !is_in_query && !is_form_post(parameters, redirect_uri) {
        return Err(Refusal::UnsupportedResponseMode);
    }
    if !client.grants.contains(&GrantType::AuthorizationCode) {
        return Err(Refusal::GrantNotAllowed);
    }
    Ok(())
}

/// Whether the answer is to be posted, and can be: only to a server.
fn is_form_post(parameters: &Parameters, redirect_uri: &str) -> bool {
    let is_server = ["https://", "http://"].iter().any(|scheme| redirect_uri.starts_with(scheme));
    is_server && parameters.get("response_mode") == Some("form_post")
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

/// Any number is one, however long: nobody has signed in before there were computers.
fn seconds(text: &str) -> Result<i64, Refusal> {
    const CENTURY: i64 = 100 * 366 * 86_400;
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        Ok(text.parse().map_or(CENTURY, |age: i64| age.min(CENTURY)))
    } else {
        Err(Refusal::MalformedMaxAge)
    }
}

/// Whom a request names. It narrows and never widens: the sign-in of another person does not answer the request (OpenID
/// Connect Core 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Anybody,
    Person(UserId),
    /// By a hint that cannot be verified. No session answers it (checklist O-28).
    Nobody,
}

fn named(parameters: &Parameters, around: &Surroundings<'_>, client: &Client) -> Named {
    let stand_in = |text| handle::meant(around.secrets, &client.id, text);
    let hinted = parameters.get("id_token_hint").map(|hint| hinted(around, hint));
    match hinted.or_else(|| parameters.get(STAND_IN).map(stand_in)) {
        None => Named::Anybody,
        Some(None) => Named::Nobody,
        Some(Some(user)) => Named::Person(user),
    }
}

/// Whom a hint means, where it can be verified.
fn hinted(around: &Surroundings<'_>, hint: &str) -> Option<UserId> {
    Hint::verify(around.provider, around.keys, hint)?.sub.parse().ok()
}

/// Why a sign-in of this person does not answer the request.
pub fn declines(request: &AuthorizationRequest, user: UserId) -> Option<Refusal> {
    let is_another = request.hinted.is_some_and(|hinted| hinted != user);
    is_another.then_some(Refusal::AnotherPerson)
}

/// Whether a session may answer a request: alive, of this active user, and as recently authenticated as demanded. What
/// was shown in answer to this request is always recent enough, so that a person who takes long over the last page is not
/// sent round in circles. That it was is known by where it was shown and not by two readings of a clock, which may have
/// been set back meanwhile.
fn suffices(
    request: &AuthorizationRequest,
    session: &Session,
    user: &User,
    is_fresh: bool,
    now: Timestamp,
) -> bool {
    let recent = is_fresh
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
    /// Whether a factor of the user was shown in the journey that the request began. Never for single sign-on.
    pub is_fresh: bool,
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
    /// The answer.
    pub answer: Returned,
}

/// Issues a code. Refuses with `login_required` when the session does not meet the request after all, for example
/// when a journey re-used a session although a fresh sign-in was demanded (checklist O-27).
pub fn issue(provider: &Provider, answer: &Answer<'_>, now: Timestamp) -> Result<Issued, Refusal> {
    let Answer { request, session, user, flow, is_fresh, grant, secret } = *answer;
    if let Some(refusal) = declines(request, user.id) {
        return Err(refusal);
    }
    if !suffices(request, session, user, is_fresh, now) {
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
        attributes: session.attributes.clone(),
        authenticated: session.authenticated,
        stage: GrantStage::Code { secret: handle::digest(secret), expires },
        expires: ends,
    };
    let answer = code_answer(provider, request, grant.id, secret);
    Ok(Issued { grant, answer })
}

/// The answer that carries a code back (RFC 6749 section 4.1.2, RFC 9207): for answering a repeated request again
/// without issuing again.
pub fn code_answer(
    provider: &Provider,
    request: &AuthorizationRequest,
    grant: GrantId,
    secret: &SecretText,
) -> Returned {
    let code = Code { grant, secret: secret.clone() }.text();
    let pairs = [
        ("code", Some(code.expose_for("returning it to the application"))),
        ("state", request.state.as_deref()),
        ("iss", Some(provider.issuer.as_str())),
    ];
    returned(&request.redirect_uri, request.form_post, &pairs)
}

/// The answer that carries a refusal back, when a journey ends without a sign-in.
pub fn refuse(provider: &Provider, request: &AuthorizationRequest, refusal: Refusal) -> Returned {
    let AuthorizationRequest { redirect_uri, form_post, state, .. } = request;
    error(provider, redirect_uri, *form_post, state.as_deref(), refusal)
}

/// The same as an address, for a visitor who presses a link: a link posts nothing.
pub fn refuse_by_link(provider: &Provider, request: &AuthorizationRequest, refusal: Refusal) -> String {
    error(provider, &request.redirect_uri, false, request.state.as_deref(), refusal).url
}

fn error(
    provider: &Provider,
    redirect_uri: &str,
    form_post: bool,
    state: Option<&str>,
    refusal: Refusal,
) -> Returned {
    let pairs = [
        ("error", Some(refusal.code())),
        ("error_description", Some(refusal.description())),
        ("state", state),
        ("iss", Some(provider.issuer.as_str())),
    ];
    returned(redirect_uri, form_post, &pairs)
}

fn returned(redirect_uri: &str, form_post: bool, pairs: &[(&'static str, Option<&str>)]) -> Returned {
    if !form_post {
        return Returned { url: endpoint::with_query(redirect_uri, pairs), fields: Vec::new() };
    }
    let given = pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?.to_owned())));
    Returned { url: redirect_uri.to_owned(), fields: given.collect() }
}

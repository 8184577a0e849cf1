//! The token endpoint (RFC 6749 section 3.2): a code, a refresh token or a client's own secret for tokens.
//!
//! Facts to load after [`parse`]: the client of [`Request::client_id`], the grant of [`Request::grant_id`], the user
//! of that grant. The decision's grant is written on the condition that the loaded one is unchanged; when that
//! fails, load again and decide again. The second decision of two equal requests then revokes, so that a code or a
//! refresh token works at most once whatever the timing (checklist O-6, O-19). A code knows no grace for an answer that
//! was lost on the wire: the client begins a new sign-in. A refresh token does, see [`Rotation`].

use idflow_core::counter::Rate;
use idflow_core::digest::Digest;
use idflow_core::grant::{Grant, GrantStage, Rotation};
use idflow_core::id::{GrantId, UserId};
use idflow_core::secret::SecretText;
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::{User, UserState};
use serde_json::json;

use crate::claims::OwnClaims;
use crate::client::{self, Client, Credentials, GrantType};
use crate::endpoint::{self, Cors, Decision, Endpoint, Errors, Facts, Surroundings, Wanted, Written};
use crate::handle::{self, Code, RefreshToken, TokenId};
use crate::http::{Cache, Incoming, Response};
use crate::keys::SigningFailed;
use crate::parameters::Parameters;
use crate::pkce;
use crate::provider::is_within;
use crate::refusal::Refusal;
use crate::scope::{self, OFFLINE_ACCESS, has};
use crate::tokens::{self, Making, Tokens};

/// The row of the table.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "token",
    paths: &["/oauth2/token"],
    methods: &["POST"],
    errors: Errors::Json(refuse),
    cors: Cors::RegisteredOrigins,
    // Many people share the one address of an application's servers.
    calls: Rate { burst: 2000, per_second: 1000 },
    metadata: |address| {
        json!({
            "token_endpoint": address,
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        })
    },
    read: |incoming, _| Ok(Box::new(parse(incoming)?)),
};

/// A token request as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    credentials: Credentials,
    demand: Demand,
}

/// What is to be exchanged; nothing where the text is no code or token of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Demand {
    Code { code: Option<Code>, redirect_uri: String, verifier: Option<SecretText> },
    Refresh { token: Option<RefreshToken>, scopes: Option<Vec<String>> },
    /// Tokens for the client itself, and whether it names scopes.
    Own { names_scopes: bool },
}

impl endpoint::Request for Request {
    fn wanted(&self) -> Wanted<'_> {
        let grant = match &self.demand {
            Demand::Code { code, .. } => code.as_ref().map(|code| code.grant),
            Demand::Refresh { token, .. } => token.as_ref().map(|token| token.grant),
            Demand::Own { .. } => None,
        };
        let client = Some(self.credentials.client_id.as_str());
        Wanted { client, grant, switch: matches!(self.demand, Demand::Own { .. }), ..Wanted::default() }
    }

    fn credentials(&self) -> Option<&Credentials> {
        Some(&self.credentials)
    }

    fn decide<'a>(
        &self,
        around: &Surroundings<'a>,
        facts: &Facts<'a>,
    ) -> Result<Decision<'a>, SigningFailed> {
        Ok(match decide(self, around, facts)? {
            Verdict::Refuse(refusal) => Decision::Refuse(refusal),
            Verdict::Revoke { grant, refusal } => Decision::Write(Box::new(Written {
                grant,
                event: "grant.revoked",
                refusal: Some(refusal),
                answer: refuse(refusal),
                left_out: None,
            })),
            Verdict::Exchange { grant, tokens } => Decision::Write(Box::new(Written {
                event: event(&grant),
                grant,
                refusal: None,
                answer: respond(&tokens),
                left_out: tokens.left_out,
            })),
            Verdict::Own(tokens) => {
                let names_scopes = matches!(self.demand, Demand::Own { names_scopes: true });
                Decision::IssueToClient(answer(&tokens, names_scopes))
            }
        })
    }
}

/// The parameters that count here.
const KNOWN: &[&str] = &[
    client::ID,
    client::SECRET,
    client::ASSERTION,
    client::ASSERTION_TYPE,
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
];

/// Reads a request.
pub fn parse(incoming: &Incoming<'_>) -> Result<Request, Refusal> {
    let form = incoming.form_parameters(KNOWN)?;
    let credentials = Credentials::parse(incoming.authorization, &form)?;
    let demand = match form.get("grant_type").ok_or(Refusal::MissingGrantType)? {
        "authorization_code" => parse_code(&form)?,
        "refresh_token" => Demand::Refresh {
            token: form.get("refresh_token").ok_or(Refusal::MissingRefreshToken)?.parse().ok(),
            scopes: form.get("scope").map(scope::parse),
        },
        "client_credentials" => Demand::Own { names_scopes: form.get("scope").is_some() },
        _ => return Err(Refusal::UnsupportedGrantType),
    };
    Ok(Request { credentials, demand })
}

fn parse_code(form: &Parameters) -> Result<Demand, Refusal> {
    Ok(Demand::Code {
        code: form.get("code").ok_or(Refusal::MissingCode)?.parse().ok(),
        redirect_uri: form.text("redirect_uri").ok_or(Refusal::MissingRedirectUri)?,
        verifier: form.get("code_verifier").map(SecretText::new),
    })
}

/// What a token request leads to, before it is put into an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Nothing is written.
    Refuse(Refusal),
    /// Something was used twice: the grant dies, then the request is refused.
    Revoke {
        /// The grant to write.
        grant: Grant,
        /// The refusal to answer.
        refusal: Refusal,
    },
    /// The grant moves on, then the tokens are answered.
    Exchange {
        /// The grant to write.
        grant: Grant,
        /// The tokens to answer.
        tokens: Tokens,
    },
    /// Tokens for the client itself.
    Own(Tokens),
}

/// Decides a request. The error is a fault of the signing library: answer 500 and write nothing.
pub fn decide(
    request: &Request,
    around: &Surroundings<'_>,
    facts: &Facts<'_>,
) -> Result<Verdict, SigningFailed> {
    let now = around.now;
    let step = allowed(request, facts).and_then(|client| match &request.demand {
        Demand::Code { code, redirect_uri, verifier } => {
            exchange(client, facts, code.as_ref(), redirect_uri, verifier.as_ref(), around)
        }
        Demand::Refresh { token, scopes } => refresh(client, facts, token.as_ref(), scopes.as_deref(), now),
        Demand::Own { .. } => own_account(client),
    });
    match step {
        Err(refusal) => Ok(Verdict::Refuse(refusal)),
        Ok(Step::Revoke(grant, refusal)) => {
            Ok(Verdict::Revoke { grant: Grant { stage: GrantStage::Revoked, ..grant.clone() }, refusal })
        }
        Ok(Step::Issue(issue)) => issue.perform(around),
        Ok(Step::IssueToClient(client)) => tokens::of_client(around, client).map(Verdict::Own),
    }
}

fn allowed<'a>(request: &Request, facts: &Facts<'a>) -> Result<&'a Client, Refusal> {
    let client = facts.authenticated(&request.credentials)?;
    let needed = match request.demand {
        Demand::Code { .. } => GrantType::AuthorizationCode,
        Demand::Refresh { .. } => GrantType::RefreshToken,
        Demand::Own { .. } => GrantType::ClientCredentials,
    };
    if client.grants.contains(&needed) { Ok(client) } else { Err(Refusal::GrantNotAllowed) }
}

enum Step<'a> {
    Revoke(&'a Grant, Refusal),
    Issue(Issue<'a>),
    IssueToClient(&'a Client),
}

struct Issue<'a> {
    client: &'a Client,
    grant: &'a Grant,
    user: &'a User,
    claims: Option<&'a dyn OwnClaims>,
    code: SecretText,
    scopes: Vec<String>,
    generation: u32,
    /// The refresh token that these tokens are given for.
    previous: Option<Rotation>,
}

/// A code for the first tokens (RFC 6749 section 4.1.3), bound to client, redirect URI and challenge (checklist O-7).
fn exchange<'a>(
    client: &'a Client,
    facts: &Facts<'a>,
    code: Option<&Code>,
    redirect_uri: &str,
    verifier: Option<&SecretText>,
    around: &Surroundings<'_>,
) -> Result<Step<'a>, Refusal> {
    let code = code.ok_or(Refusal::InvalidCode)?;
    let grant = own(client, facts, code.grant, around.now).ok_or(Refusal::InvalidCode)?;
    let shown = handle::digest(&code.secret);
    let lifetime = around.provider.lifetimes.of_code();
    let in_time = |expires: Timestamp| is_within(expires.plus(Span(-lifetime.0)), lifetime, around.now);
    match &grant.stage {
        GrantStage::Code { secret, expires } if secret.matches(&shown) && in_time(*expires) => {}
        GrantStage::Refresh { code, .. } if code.matches(&shown) => {
            return Ok(Step::Revoke(grant, Refusal::ReusedCode));
        }
        _ => return Err(Refusal::InvalidCode),
    }
    if redirect_uri != grant.request.redirect_uri {
        return Err(Refusal::WrongRedirectUri);
    }
    let verifier = verifier.map(|verifier| verifier.expose_for("comparing its challenge"));
    pkce::check(grant.request.code_challenge.as_deref(), verifier)?;
    let user = entitled(grant, facts)?;
    let scopes = grant.request.scopes.clone();
    let (claims, code) = (facts.claims, code.secret.clone());
    Ok(Step::Issue(Issue { client, grant, user, claims, code, scopes, generation: 1, previous: None }))
}

/// A refresh token for the next tokens (RFC 6749 section 6). The world is looked at again (checklist O-20).
fn refresh<'a>(
    client: &'a Client,
    facts: &Facts<'a>,
    token: Option<&RefreshToken>,
    asked: Option<&[String]>,
    now: Timestamp,
) -> Result<Step<'a>, Refusal> {
    let token = token.ok_or(Refusal::InvalidRefreshToken)?;
    let grant = own(client, facts, token.grant, now).ok_or(Refusal::InvalidRefreshToken)?;
    let GrantStage::Refresh { code, secret: Some(secret), generation, previous } = &grant.stage else {
        return Err(Refusal::InvalidRefreshToken);
    };
    if !code.matches(&handle::digest(&token.code)) {
        return Err(Refusal::InvalidRefreshToken);
    }
    let shown = handle::digest(&token.secret);
    let (generation, previous) = if token.generation == *generation && secret.matches(&shown) {
        (generation.saturating_add(1), Rotation { secret: shown, at: now, repeats: 0 })
    } else {
        let repeated = previous.as_ref().filter(|_| token.generation.checked_add(1) == Some(*generation));
        let repeated = repeated.and_then(|previous| again(previous, &shown, client.refresh_grace, now));
        match repeated {
            Some(previous) => (*generation, previous),
            None => return Ok(Step::Revoke(grant, Refusal::ReusedRefreshToken)),
        }
    };
    let user = entitled(grant, facts)?;
    let kept = client.granted(&grant.request.scopes);
    if !has(&kept, OFFLINE_ACCESS) {
        return Err(Refusal::WithdrawnScope);
    }
    let scopes = narrowed(kept, &grant.request.scopes, asked)?;
    let (claims, code, previous) = (facts.claims, token.code.clone(), Some(previous));
    Ok(Step::Issue(Issue { client, grant, user, claims, code, scopes, generation, previous }))
}

/// How often a token gives its successor again at most: as many as a client may have requests under way.
const MOST_REPEATS: u32 = 20;

/// The rotation that is answered once more, if the token that was `shown` may have it: it is the one that was
/// exchanged, not long ago, and its successor has not been used yet.
fn again(previous: &Rotation, shown: &Digest, grace: Span, now: Timestamp) -> Option<Rotation> {
    let is_in_time = is_within(previous.at, grace, now) && previous.repeats < MOST_REPEATS;
    let is_it = previous.secret.matches(shown);
    (is_it && is_in_time).then(|| Rotation { repeats: previous.repeats + 1, ..previous.clone() })
}

/// A client that acts for nobody (RFC 6749 section 4.4). Whoever has no secret cannot show to be it, and one that is
/// called like a person could pass for that person. Every scope there is speaks of a person, so it gets none, and is told
/// so if it asks for any (checklist O-42).
fn own_account(client: &Client) -> Result<Step<'_>, Refusal> {
    if client.is_public() {
        return Err(Refusal::GrantNotAllowed);
    }
    if client.id.parse::<UserId>().is_ok() {
        return Err(Refusal::AmbiguousSubject);
    }
    Ok(Step::IssueToClient(client))
}

/// The client's own grant, while it lasts. Somebody else's is as good as none.
fn own<'a>(client: &Client, facts: &Facts<'a>, id: GrantId, now: Timestamp) -> Option<&'a Grant> {
    facts.grant.filter(|grant| grant.id == id && grant.request.client_id == client.id && now < grant.expires)
}

/// The user of a grant, who is active and has shown what is demanded today.
fn entitled<'a>(grant: &Grant, facts: &Facts<'a>) -> Result<&'a User, Refusal> {
    let user = facts.user.filter(|user| user.id == grant.user && user.state == UserState::Active);
    let user = user.ok_or(Refusal::InactiveUser)?;
    if facts.falls_short { Err(Refusal::TooLittleShown) } else { Ok(user) }
}

/// The scopes of this access token; the refresh token keeps them all.
fn narrowed(kept: Vec<String>, granted: &[String], asked: Option<&[String]>) -> Result<Vec<String>, Refusal> {
    let Some(asked) = asked else { return Ok(kept) };
    if !asked.iter().all(|scope| granted.contains(scope)) {
        return Err(Refusal::WidenedScope);
    }
    Ok(kept.into_iter().filter(|scope| asked.contains(scope)).collect())
}

impl Issue<'_> {
    fn perform(&self, around: &Surroundings<'_>) -> Result<Verdict, SigningFailed> {
        let Surroundings { provider, keys, now, .. } = *around;
        let Self { client, grant, user, claims, code, scopes, generation, previous } = self;
        let secret = match self.secret(around) {
            Ok(secret) => secret,
            Err(refusal) => return Ok(Verdict::Refuse(refusal)),
        };
        let next = Grant {
            stage: GrantStage::Refresh {
                code: handle::digest(code),
                secret: secret.as_ref().map(handle::digest),
                generation: *generation,
                previous: previous.clone(),
            },
            ..(*grant).clone()
        };
        let refresh_token = secret.map(|secret| {
            RefreshToken { grant: grant.id, generation: *generation, code: code.clone(), secret }.text()
        });
        let repeat = previous.as_ref().map_or(0, |previous| previous.repeats);
        let id = TokenId { grant: grant.id, generation: *generation, repeat };
        let making = Making { provider, keys, client, grant, user, claims: *claims, id, scopes, now };
        let tokens = making.tokens(refresh_token)?;
        Ok(Verdict::Exchange { grant: next, tokens })
    }

    /// The secret of the refresh token, if there is to be one: the very one that is stored by its digest, where it was
    /// issued before. When the key that it was derived with is gone, the client has to use what it has.
    fn secret(&self, around: &Surroundings<'_>) -> Result<Option<SecretText>, Refusal> {
        if !has(&self.grant.request.scopes, OFFLINE_ACCESS) {
            return Ok(None);
        }
        let issued = match &self.grant.stage {
            GrantStage::Refresh { secret, generation, .. } if *generation == self.generation => {
                secret.as_ref()
            }
            _ => None,
        };
        let mut secrets = around.secrets.refresh(self.grant.id, self.generation).into_iter();
        let secret =
            secrets.find(|secret| issued.is_none_or(|issued| issued.matches(&handle::digest(secret))));
        secret.map(Some).ok_or(Refusal::InvalidRefreshToken)
    }
}

/// What tokens that are given are called in audit records.
fn event(grant: &Grant) -> &'static str {
    match &grant.stage {
        GrantStage::Refresh { previous: Some(previous), .. } if previous.repeats > 0 => "token.repeated",
        GrantStage::Refresh { previous: Some(_), .. } => "token.refreshed",
        _ => "token.issued",
    }
}

/// The answer with tokens (RFC 6749 section 5.1).
pub fn respond(tokens: &Tokens) -> Response {
    answer(tokens, true)
}

/// The same, which may leave out that there are no scopes where none were asked for.
fn answer(tokens: &Tokens, names_scopes: bool) -> Response {
    let shown = |token: &SecretText| token.expose_for("answering the token request").to_owned();
    let mut body = json!({
        "access_token": shown(&tokens.access_token),
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
    });
    if names_scopes {
        body["scope"] = tokens.scopes.join(" ").into();
    }
    for (name, token) in [("id_token", &tokens.id_token), ("refresh_token", &tokens.refresh_token)] {
        if let Some(token) = token {
            body[name] = shown(token).into();
        }
    }
    without_cache(Response::json(200, Cache::Never, &body))
}

/// The answer to a refused request (RFC 6749 section 5.2).
pub fn refuse(refusal: Refusal) -> Response {
    let mut response = without_cache(Response::refusal(refusal));
    if refusal.status() == 401 {
        response
            .headers
            .push(("www-authenticate", r#"Basic realm="token endpoint", charset="UTF-8""#.to_owned()));
    }
    response
}

/// RFC 6749 section 5.1 also wants the header of HTTP/1.0 caches.
fn without_cache(mut response: Response) -> Response {
    response.headers.push(("pragma", "no-cache".to_owned()));
    response
}

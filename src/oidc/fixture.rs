//! One tenant with one application and one person, for tests to bend.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use idflow_core::Data;
use idflow_core::chance::SeededChance;
use idflow_core::digest::Digest;
use idflow_core::evidence::{Evidence, Proof};
use idflow_core::grant::{AuthorizationRequest, Grant, GrantStage};
use idflow_core::id::{Attempt, GrantId, SessionId, StepInstance, UserId};
use idflow_core::secret::SecretText;
use idflow_core::session::Session;
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::{User, UserState};

use crate::claims::OwnClaims;
use crate::client::{Algorithm, Client, ClientAuthentication, GrantType, PkcePolicy};
use crate::endpoint::authorize::{self, Answer};
use crate::endpoint::token::{self, Verdict};
use crate::endpoint::{Decision, Facts, Request as _, Surroundings, userinfo};
use crate::handle::Secrets;
use crate::http::Incoming;
use crate::keys::{self, KeyPair, Keys};
use crate::pkce;
use crate::provider::Provider;
use crate::refusal::Refusal;
use crate::tokens::Tokens;

pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);
pub(crate) const ISSUER: &str = "https://login.example.com";
pub(crate) const REDIRECT: &str = "https://app.example.com/callback";
pub(crate) const GOODBYE: &str = "https://app.example.com/goodbye";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CODE_SECRET: &str = "code-secret-of-43-characters-0123456789abcd";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const USER: UserId = UserId::from_bytes([1; 16]);
pub(crate) const GRANT: GrantId = GrantId::from_bytes([3; 16]);

/// Two pairs of keys, made once: RSA keys take their time.
pub(crate) static PAIRS: LazyLock<[KeyPair; 2]> =
    LazyLock::new(|| [keys::generate().unwrap(), keys::generate().unwrap()]);
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::new(&PAIRS[0], &[]).unwrap());

/// Parameters in the order sent.
#[derive(Clone)]
pub(crate) struct Form(pub(crate) Vec<(String, String)>);

impl Form {
    pub(crate) fn new(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        let mut form = self.without(name);
        form.0.push((name.to_owned(), value.to_owned()));
        form
    }

    pub(crate) fn text(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// Claims of a registration that say how often they were computed.
#[derive(Debug, Default)]
pub(crate) struct Computed {
    pub(crate) claims: Data,
    pub(crate) times: AtomicU32,
}

impl OwnClaims for Computed {
    fn about(&self, _: &User, _: &Data) -> Data {
        self.times.fetch_add(1, Ordering::Relaxed);
        self.claims.clone()
    }
}

pub(crate) struct World {
    pub(crate) provider: Provider,
    pub(crate) keys: &'static Keys,
    pub(crate) client: Client,
    pub(crate) user: User,
    pub(crate) session: Session,
    /// What the client's registration computes.
    pub(crate) claims: Option<Computed>,
    /// Whether what was proven for grants is less than is demanded now.
    pub(crate) falls_short: bool,
    pub(crate) now: Timestamp,
    pub(crate) chance: SeededChance,
}

impl World {
    /// A public client; the person signed in one minute ago with password and mailed code.
    pub(crate) fn new() -> Self {
        Self {
            provider: Provider::new(ISSUER),
            keys: &KEYS,
            client: client(),
            user: user(),
            session: session(),
            claims: None,
            falls_short: false,
            now: NOW,
            chance: SeededChance::new(7),
        }
    }

    /// The same with a confidential client whose secrets are `new` and `old`.
    pub(crate) fn confidential(authentication: ClientAuthentication) -> Self {
        let mut world = Self::new();
        world.client.authentication = authentication;
        world.client.secrets = vec![Digest::of("new secret: +%"), Digest::of("old")];
        world
    }

    pub(crate) fn authorize(&self, form: &Form) -> Result<Decision<'_>, Refusal> {
        self.authorize_with(form, Some((&self.session, &self.user)))
    }

    pub(crate) fn authorize_with<'a>(
        &'a self,
        form: &Form,
        signed_in: Option<(&'a Session, &'a User)>,
    ) -> Result<Decision<'a>, Refusal> {
        let text = form.text();
        let request = authorize::parse(&Incoming { query: &text, ..Incoming::default() })?;
        let client = Some(&self.client).filter(|client| Some(client.id.as_str()) == request.wanted().client);
        let facts = Facts { client, signed_in, ..Facts::default() };
        Ok(authorize::decide(&request, &self.around(), &facts))
    }

    /// The validated request of a form, as a journey would begin with it.
    pub(crate) fn accepted(&self, form: &Form) -> AuthorizationRequest {
        match self.authorize_with(form, None) {
            Ok(Decision::StartJourney(request)) => request,
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// The grant of a just issued code.
    pub(crate) fn issued(&self, form: &Form) -> Grant {
        let request = self.accepted(form);
        let secret = SecretText::new(CODE_SECRET);
        let answer = Answer {
            request: &request,
            session: &self.session,
            user: &self.user,
            flow: "sign-in",
            is_fresh: false,
            grant: GRANT,
            secret: &secret,
        };
        authorize::issue(&self.provider, &answer, self.now).unwrap().grant
    }

    pub(crate) fn token(&self, form: &Form, grant: Option<&Grant>) -> Verdict {
        self.token_with(form, &[], grant)
    }

    pub(crate) fn token_with(&self, form: &Form, headers: &[&str], grant: Option<&Grant>) -> Verdict {
        let body = form.text();
        let incoming = Incoming {
            authorization: headers,
            content_type: Some(FORM),
            body: body.as_bytes(),
            ..Incoming::default()
        };
        let request = match token::parse(&incoming) {
            Ok(request) => request,
            Err(refusal) => return Verdict::Refuse(refusal),
        };
        let wanted = request.wanted();
        let facts = Facts {
            client: Some(&self.client).filter(|client| Some(client.id.as_str()) == wanted.client),
            grant: grant.filter(|grant| Some(grant.id) == wanted.grant),
            falls_short: self.falls_short,
            user: Some(&self.user),
            claims: self.claims.as_ref().map(|claims| claims as &dyn OwnClaims),
            ..Facts::default()
        };
        token::decide(&request, &self.around(), &facts).unwrap()
    }

    /// The grant and tokens of a successful exchange of `code_form()`.
    pub(crate) fn exchanged(&self, authorization: &Form) -> (Grant, Tokens) {
        match self.token(&code_form(), Some(&self.issued(authorization))) {
            Verdict::Exchange { grant, tokens } => (grant, tokens),
            other => panic!("not exchanged: {other:?}"),
        }
    }

    pub(crate) fn userinfo(&self, token: &str, grant: &Grant) -> Result<Data, Refusal> {
        let header = format!("Bearer {token}");
        let incoming = Incoming { authorization: &[&header], ..Incoming::default() };
        let token = userinfo::verify(&incoming, &self.around())?;
        let (client, user) = (Some(&self.client), Some(&self.user));
        let claims = self.claims.as_ref().map(|claims| claims as &dyn OwnClaims);
        userinfo::decide(&token, &Facts { client, grant: Some(grant), user, claims, ..Facts::default() })
    }

    pub(crate) fn around(&self) -> Surroundings<'_> {
        let Self { provider, keys, now, chance, .. } = self;
        Surroundings { provider, keys, now: *now, chance, secrets: &Derived }
    }
}

/// Under two keys, as after a rotation.
pub(crate) struct Derived;

impl Secrets for Derived {
    fn refresh(&self, grant: GrantId, generation: u32) -> Vec<SecretText> {
        under_both(&format!("{grant} {generation}"))
    }

    fn hint(&self, client: &str, user: UserId) -> Vec<SecretText> {
        under_both(&format!("{client} {user}"))
    }
}

fn under_both(what: &str) -> Vec<SecretText> {
    ["current", "previous"]
        .map(|key| SecretText::new(Digest::of(format!("{key} {what}")).to_string()))
        .to_vec()
}

pub(crate) fn authorization() -> Form {
    Form::new(&[
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", "openid profile email offline_access"),
        ("state", "a state & more"),
        ("nonce", "a nonce"),
        ("code_challenge", &pkce::challenge(VERIFIER)),
        ("code_challenge_method", "S256"),
    ])
}

pub(crate) fn code_form() -> Form {
    Form::new(&[
        ("client_id", "app"),
        ("grant_type", "authorization_code"),
        ("code", &format!("{GRANT}.{CODE_SECRET}")),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ])
}

pub(crate) fn refresh_form(tokens: &Tokens) -> Form {
    let token = tokens.refresh_token.as_ref().map_or("", |token| token.expose_for("a test"));
    Form::new(&[("client_id", "app"), ("grant_type", "refresh_token"), ("refresh_token", token)])
}

pub(crate) fn without_code_challenge() -> Form {
    authorization().without("code_challenge").without("code_challenge_method")
}

pub(crate) fn is_code_stage(grant: &Grant) -> bool {
    matches!(grant.stage, GrantStage::Code { .. })
}

fn client() -> Client {
    Client {
        id: "app".into(),
        name: "Application".into(),
        redirect_uris: vec![REDIRECT.into(), "http://127.0.0.1/native".into()],
        post_logout_redirect_uris: vec![GOODBYE.into()],
        authentication: ClientAuthentication::None,
        secrets: Vec::new(),
        guessable: false,
        grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scopes: ["openid", "profile", "email", "groups", "offline_access"].map(str::to_owned).to_vec(),
        pkce: PkcePolicy::Required,
        refresh_grace: Span::seconds(10),
        id_token_algorithm: Algorithm::Rs256,
        allowed_origins: vec!["https://app.example.com".into()],
        flows: std::collections::BTreeMap::new(),
        disabled: false,
    }
}

fn user() -> User {
    let attributes = serde_json::json!({
        "username": "ada", "givenName": "Ada", "email": "ada@example.com", "shoeSize": 38, "locale": 7
    });
    User {
        id: USER,
        directory: "people".into(),
        attributes: attributes.as_object().cloned().unwrap(),
        verified: vec!["email".into()],
        groups: Vec::new(),
        state: UserState::Active,
        created: Timestamp(0),
        updated: Timestamp(1_700_000_000_000),
        reserved: None,
    }
}

pub(crate) fn factor(method: &str, user: Option<UserId>) -> Evidence {
    Evidence {
        proof: Proof::Factor(method.into()),
        user,
        instance: StepInstance(1),
        attempt: Attempt(1),
        at: NOW,
    }
}

fn session() -> Session {
    let signed_in = Timestamp(NOW.0 - 60_000);
    Session {
        id: SessionId::from_bytes([2; 16]),
        secret: Digest::of("cookie"),
        user: Some(USER),
        evidence: vec![factor("pwd", Some(USER)), factor("otp", Some(USER))],
        attributes: Data::new(),
        authenticated: signed_in,
        expires: signed_in.plus(Span::hours(8)),
        used: signed_in,
        idle: Span::hours(4),
    }
}

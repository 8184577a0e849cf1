//! What every request needs: the live configuration, the store, the keys and the interfaces to the outside.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use idflow_core::audit::AuditEvent;
use idflow_core::chance::Chance;
use idflow_core::dead_end::{self, DeadEnd};
use idflow_core::digest::Digest;
use idflow_core::grant::Grant;
use idflow_core::id::{GrantId, JourneyId, SessionId, UserId};
use idflow_core::journey::{Journey, Purpose};
use idflow_core::secret::SecretText;
use idflow_core::time::{Clock, Span, Timestamp};
use idflow_oidc::client::Client;
use idflow_oidc::endpoint::{Endpoint, Surroundings};
use idflow_oidc::handle::Secrets;
use idflow_oidc::keys::Keys;
use idflow_oidc::provider::Provider;
use idflow_oidc::refusal::Refusal;
use idflow_pages::{Pages, Transport};
use idflow_store::seal::Keyring;
use idflow_store::{Commit, Store, StoreError};

use crate::asks::Asks;
use crate::configuration::{Configuration, ServedFlow};
use crate::cookies::Cookies;
use crate::limiter::{Claimant, Limiter};
use crate::mail_queue::Mails;
use crate::metrics::Metrics;
use crate::observer::Observer;
use crate::report::{ClientRefusal, Reports};
use crate::revisions::{Held, RevisionFetch, Revisions};

/// Something that the answer needs cannot be reached now: 503, nothing shown as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a part of this service cannot be reached now")]
pub struct Unavailable;

impl From<StoreError> for Unavailable {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store did not answer");
        Self
    }
}

/// The state of all handlers.
pub type Shared = Arc<App>;

/// One tenant's executor.
pub struct App {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub chance: Arc<dyn Chance>,
    /// What is served; replaced as a whole.
    pub configuration: ArcSwap<Configuration>,
    /// The revisions that are held.
    pub revisions: Revisions,
    /// Brings a revision that a journey needs and that is not held.
    pub fetch: Option<Arc<dyn RevisionFetch>>,
    /// What the operator hears.
    pub reports: Reports,
    /// Counts journeys that begin and calls of the provider's endpoints.
    pub limiter: Limiter,
    /// The records.
    pub store: Store,
    /// Derives what must be the same in every repetition: cookies, codes.
    pub keyring: Keyring,
    /// The keys that sign tokens.
    pub keys: Keys,
    /// Performs what steps ask.
    pub asks: Asks,
    /// Sends mails after commits.
    pub mails: Mails,
    /// Renders pages and mails.
    pub pages: Pages,
    /// Whether this is `idflow dev`: pages say so.
    pub development: bool,
    /// Whether the limits on starts, guesses and mails are lifted, for load tests.
    pub unlimited: bool,
    /// When it was last told that somebody forwards requests who is not trusted to.
    pub untrusted_proxy_told: Mutex<Option<Timestamp>>,
    /// Counters.
    pub metrics: Metrics,
    /// Who wants to know about steps: the terminal of `idflow dev`, or the log.
    pub observer: Arc<dyn Observer>,
}

impl App {
    /// The tenant's provider.
    pub fn provider(&self) -> Provider {
        let locales = self.pages.texts().locales().map(|locale| locale.tag().to_owned()).collect();
        Provider { locales, ..Provider::new(self.configuration.load().issuer.clone()) }
    }

    /// What a request to the provider may know of where and when it is.
    pub fn surroundings<'a>(&'a self, provider: &'a Provider) -> Surroundings<'a> {
        Surroundings {
            provider,
            keys: &self.keys,
            now: self.clock.now(),
            chance: self.chance.as_ref(),
            secrets: self,
        }
    }

    /// The application of a client identifier.
    pub fn client(&self, id: &str) -> Option<Arc<Client>> {
        self.configuration.load().clients.get(id).cloned()
    }

    /// Whether a journey may begin for this address now, or how long to wait.
    pub fn may_begin(&self, address: Option<&str>) -> Result<(), Span> {
        if self.unlimited {
            return Ok(());
        }
        let limit = self.configuration.load().limits.as_ref().and_then(|limits| limits.journeys_per_second);
        self.limiter.begin(&self.keyring, address, limit, self.clock.now())
    }

    /// Whether this address may call an endpoint now, or how long to wait.
    pub fn may_call(&self, endpoint: &Endpoint, address: Option<&str>) -> Result<(), Span> {
        if self.unlimited {
            return Ok(());
        }
        self.limiter.call(&self.keyring, address, endpoint.name, endpoint.calls, self.clock.now())
    }

    /// Lets a client in that has shown who it is; or says how long to wait, where somebody guesses at it and might have
    /// guessed right. Who has no secret cannot be guessed at.
    pub fn admit(&self, client: &Client, who: &Claimant) -> Result<(), Span> {
        if self.unlimited || client.is_public() {
            return Ok(());
        }
        self.limiter.admit(&self.keyring, who, client.guessable, self.clock.now())
    }

    /// Counts that somebody is not the client they say to be, and gives the security event; or says how long to wait:
    /// who guesses fast is not reported each time.
    pub fn note_refused_client(&self, who: &Claimant, refusal: Refusal) -> Result<AuditEvent, Span> {
        if !self.unlimited {
            self.limiter.failed(&self.keyring, who, self.clock.now())?;
        }
        self.metrics.client_refused(refusal.name());
        let client = self.client(who.client());
        if let Some(client) = &client {
            self.note_refusal(client, refusal);
        }
        // What is no name of a client may be a secret in the wrong place.
        let client = client.map(|client| client.id.clone());
        Ok(self.event("client.refused", Some(refusal.name().to_owned()), client))
    }

    /// Tells the owner of an application of a refusal that its registration decides.
    pub fn note_refusal(&self, client: &Client, refusal: Refusal) {
        if let Some(field) = refusal.field() {
            let (name, description) = (refusal.name().to_owned(), refusal.description().to_owned());
            let told = ClientRefusal { at: self.clock.now(), name, description, field: field.to_owned() };
            self.reports.publish_refusal(&client.id, told);
        }
    }

    /// Whether a revision is held and may run now.
    pub fn can_run(&self, digest: &Digest) -> bool {
        self.revisions.held(digest).is_some() && !self.is_stopped(digest)
    }

    /// Whether a revision may not run whether it is held or not: it was withdrawn, or the Tenant does not let it now.
    pub fn is_stopped(&self, digest: &Digest) -> bool {
        let configuration = self.configuration.load();
        let is_forbidden = |held: Arc<Held>| configuration.forbids(&held, self.clock.now()).is_some();
        configuration.withdrawn.contains(digest) || self.revisions.held(digest).is_some_and(is_forbidden)
    }

    /// Tells, at most once a minute, that somebody forwards requests who is not trusted to.
    pub fn untrusted_proxy(&self, peer: IpAddr) {
        let now = self.clock.now();
        let is_due = |told: Timestamp| now.since(told) >= Span::minutes(1);
        let mut told = self.untrusted_proxy_told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(is_due) {
            *told = Some(now);
            tracing::warn!(
                %peer,
                "forwards requests and is not in the Tenant's trustedProxies: all who come through it count as one network"
            );
        }
    }

    /// Whether no revision of a flow takes new journeys, on this pod or any other: there is none, or none may run.
    pub fn is_out_of_service(&self, flow: &ServedFlow) -> bool {
        flow.weighted().all(|digest| self.revisions.held(digest).is_some() && !self.can_run(digest))
    }

    /// Whether what started a journey still counts: an application that is gone, disabled, or has another redirect
    /// URI is answered no more (checklist J-15).
    pub fn still_wanted(&self, purpose: &Purpose) -> bool {
        let Purpose::Authorize(request) = purpose else { return true };
        self.client(&request.client_id)
            .is_some_and(|client| !client.disabled && client.accepts_redirect(&request.redirect_uri))
    }

    /// Whether the issuer is an https origin.
    pub fn is_https(&self) -> bool {
        self.configuration.load().issuer.starts_with("https://")
    }

    /// How browsers come to the issuer.
    pub fn transport(&self) -> Transport {
        let configuration = self.configuration.load();
        match (self.is_https(), configuration.hsts_include_sub_domains) {
            (false, _) => Transport::Plain,
            (true, false) => Transport::Https,
            (true, true) => Transport::HttpsBelow,
        }
    }

    /// How cookies are named and marked.
    pub fn cookies(&self) -> Cookies {
        Cookies { secure: self.is_https() }
    }

    /// The secret that binds a journey to its browser after so many changes. Derived, so that a repeated post can
    /// be given the same cookie again.
    pub fn binding_secret(&self, journey: JourneyId, rotation: u32) -> String {
        self.derived("journey-binding", &[journey.as_bytes(), &rotation.to_be_bytes()])
    }

    /// The same under every key of the tenant: the browser may have got its cookie before the key was changed.
    pub fn binding_secrets(&self, journey: JourneyId, rotation: u32) -> impl Iterator<Item = String> + use<> {
        self.derivations("journey-binding", &[journey.as_bytes(), &rotation.to_be_bytes()])
    }

    /// What proves that a post is the same as another: its body, by who holds the same cookie.
    pub fn post_proof(&self, cookie: &str, body: &[u8]) -> Digest {
        Digest::from_bytes(self.keyring.derive("last-post", &[cookie.as_bytes(), body]))
    }

    /// The same under every key of the tenant.
    pub fn post_proofs(&self, cookie: &str, body: &[u8]) -> impl Iterator<Item = Digest> + use<> {
        self.keyring.derivations("last-post", &[cookie.as_bytes(), body]).map(Digest::from_bytes)
    }

    /// The session that a journey opens.
    pub fn session_id(&self, journey: JourneyId) -> SessionId {
        SessionId::from_bytes(self.derived_id("session-id", journey))
    }

    /// The value of the session's cookie.
    pub fn session_secret(&self, journey: JourneyId) -> String {
        self.derived("session-secret", &[journey.as_bytes()])
    }

    /// The same under every key of the tenant.
    pub fn session_secrets(&self, journey: JourneyId) -> impl Iterator<Item = String> + use<> {
        self.derivations("session-secret", &[journey.as_bytes()])
    }

    /// The device that a journey makes of its browser.
    pub fn device_id(&self, journey: JourneyId) -> String {
        URL_SAFE_NO_PAD.encode(self.derived_id("device-id", journey))
    }

    /// What proves that somebody wants to end a session by a request with these parts.
    pub fn end_session_token(&self, session: SessionId, parts: &[Digest; 3]) -> String {
        let [client, address, state] = parts.each_ref().map(|part| part.as_bytes().as_slice());
        self.derived("end-session", &[session.as_bytes(), client, address, state])
    }

    /// The grant that answers the application which a journey was begun for.
    pub fn grant_id(&self, journey: JourneyId) -> GrantId {
        GrantId::from_bytes(self.derived_id("grant-id", journey))
    }

    /// The same under every key of the tenant, the current one first.
    pub fn grant_ids(&self, journey: JourneyId) -> impl Iterator<Item = GrantId> + use<> {
        let derived = self.keyring.derivations("grant-id", &[journey.as_bytes()]);
        derived.map(|derived| GrantId::from_bytes(id(&derived)))
    }

    /// The secret of that grant's code; of one that was issued after the journey's end, by when it was.
    pub fn code_secret(&self, journey: JourneyId, late: Option<Timestamp>) -> SecretText {
        let late = late.map(|at| at.0.to_be_bytes());
        SecretText::new(self.derived("code-secret", &code_parts(&journey, late.as_ref())))
    }

    /// The same under every key of the tenant.
    pub fn code_secrets(
        &self,
        journey: JourneyId,
        late: Option<Timestamp>,
    ) -> impl Iterator<Item = SecretText> + use<> {
        let late = late.map(|at| at.0.to_be_bytes());
        self.derivations("code-secret", &code_parts(&journey, late.as_ref())).map(SecretText::new)
    }

    /// The ids and secrets of sessions that a browser sent, if they have the right form. Only one of them is its own.
    pub fn session_cookies(&self, headers: &HeaderMap) -> Vec<(SessionId, String)> {
        let read = |cookie: &str| {
            let (id, secret) = cookie.split_once('.')?;
            Some((id.parse().ok()?, secret.to_owned()))
        };
        self.cookies().session(headers).into_iter().filter_map(read).collect()
    }

    /// What happened to a grant, as a security event.
    pub fn grant_event(&self, event: &str, grant: &Grant, outcome: Option<&str>) -> AuditEvent {
        let client = Some(grant.request.client_id.clone());
        AuditEvent { user: Some(grant.user), ..self.event(event, outcome.map(str::to_owned), client) }
    }

    /// That what an application asked for was refused, as a security event.
    pub fn refused_event(&self, client: Option<&str>, refusal: Refusal) -> AuditEvent {
        self.event("request.refused", Some(refusal.name().to_owned()), client.map(str::to_owned))
    }

    /// Stores a security event that goes along with nothing else that is written, and tells it.
    pub async fn record(&self, event: &AuditEvent) -> Result<(), Unavailable> {
        let commit = Commit::after(self.store.reads(self.clock.now())).audit([event.clone()]);
        let stored = self.store.commit(commit).await;
        self.observer.audit(event);
        stored.map_err(|error| {
            tracing::error!(%error, event = event.name, "a security event could not be stored");
            Unavailable
        })
    }

    /// Reports why a visitor cannot go on, and returns the reference that they are given. It is random and opens nothing.
    pub fn stopped(&self, end: DeadEnd, journey: Option<&Journey>) -> String {
        let reference = reference(self.chance.as_ref());
        let client = journey.and_then(|journey| journey.purpose.client_id()).map(str::to_owned);
        let event = self.event(dead_end::STOPPED, Some(end.word().to_owned()), client);
        self.observer.audit(&AuditEvent {
            journey: journey.map(|journey| journey.id),
            user: journey.and_then(|journey| journey.user),
            flow: journey.map(|journey| journey.flow.clone()),
            revision: journey.map(|journey| journey.digest.short(8)),
            reference: Some(reference.clone()),
            ..event
        });
        reference
    }

    /// A security event of now that belongs to no journey.
    pub fn event(&self, name: &str, outcome: Option<String>, client: Option<String>) -> AuditEvent {
        AuditEvent {
            at: self.clock.now(),
            name: name.to_owned(),
            journey: None,
            user: None,
            flow: None,
            revision: None,
            step: None,
            outcome,
            detail: None,
            reference: None,
            client,
        }
    }

    fn derived(&self, purpose: &str, parts: &[&[u8]]) -> String {
        URL_SAFE_NO_PAD.encode(self.keyring.derive(purpose, parts))
    }

    fn derivations(&self, purpose: &str, parts: &[&[u8]]) -> impl Iterator<Item = String> + use<> {
        self.keyring.derivations(purpose, parts).map(|derived| URL_SAFE_NO_PAD.encode(derived))
    }

    fn derived_id(&self, purpose: &str, journey: JourneyId) -> [u8; 16] {
        id(&self.keyring.derive(purpose, &[journey.as_bytes()]))
    }
}

fn id(derived: &[u8; 32]) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&derived[..16]);
    id
}

fn code_parts<'a>(journey: &'a JourneyId, late: Option<&'a [u8; 8]>) -> Vec<&'a [u8]> {
    let late = late.map(<[u8; 8]>::as_slice);
    [journey.as_bytes().as_slice()].into_iter().chain(late).collect()
}

impl Secrets for App {
    fn refresh(&self, grant: GrantId, generation: u32) -> Vec<SecretText> {
        let parts: [&[u8]; 2] = [grant.as_bytes(), &generation.to_be_bytes()];
        self.derivations("refresh-secret", &parts).map(SecretText::new).collect()
    }

    fn hint(&self, client: &str, user: UserId) -> Vec<SecretText> {
        self.derivations("person-hint", &[client.as_bytes(), user.as_bytes()]).map(SecretText::new).collect()
    }
}

/// Fifty random bits as ten letters and digits that nobody mishears (Crockford's base 32).
pub fn reference(chance: &dyn Chance) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut drawn = [0; 10];
    chance.fill(&mut drawn);
    drawn.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

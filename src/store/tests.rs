//! What the executor may rely on, over the store in memory; laws of the backends stand in [`crate::suite`].

mod commits;
mod expiry;
mod index;
mod names;
mod people;
mod reservations;
mod sealing;
mod speed;

use std::sync::Arc;

use idflow_core::Data;
use idflow_core::chance::{Chance, SeededChance};
use idflow_core::counter::CounterKey;
use idflow_core::digest::Digest;
use idflow_core::grant::{AuthorizationRequest, Grant, GrantStage};
use idflow_core::id::{GrantId, JourneyId, SessionId, UserId};
use idflow_core::journey::Journey;
use idflow_core::secret::PasswordHash;
use idflow_core::session::Session;
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::{User, UserState};
use idflow_core::write::Write;

use crate::{Commit, Keyring, ReadSet, Store, StoreError, Wanted};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn keyring() -> Keyring {
    Keyring::new("acme", &[1; 32], &[])
}

fn store() -> Store {
    Store::open_memory(keyring(), Arc::new(SeededChance::new(1)))
}

/// Runs a test's future on the simplest runtime.
fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

fn later(span: Span) -> Timestamp {
    NOW.plus(span)
}

pub(crate) fn user(id: u8, email: &str) -> User {
    let attributes = serde_json::json!({ "email": email });
    User {
        id: UserId::from_bytes([id; 16]),
        directory: "people".to_owned(),
        attributes: attributes.as_object().unwrap().clone(),
        verified: Vec::new(),
        groups: Vec::new(),
        state: UserState::Active,
        created: NOW,
        updated: NOW,
        reserved: None,
    }
}

fn unique() -> Vec<String> {
    vec!["email".to_owned(), "username".to_owned()]
}

fn create(user: User) -> Write {
    Write::CreateUser { user, unique: unique() }
}

fn update(previous: &User, user: User) -> Write {
    Write::UpdateUser { user, previous: previous.clone(), unique: unique() }
}

fn set_password(user: &User, hash: &str, ends_sessions: bool) -> Write {
    Write::SetPassword { user: user.id, hash: PasswordHash(hash.to_owned()), ends_sessions }
}

fn session(id: u8, user: Option<&User>) -> Session {
    Session {
        id: SessionId::from_bytes([id; 16]),
        secret: Digest::of([id]),
        user: user.map(|user| user.id),
        evidence: Vec::new(),
        attributes: Data::new(),
        authenticated: NOW,
        expires: later(Span::hours(8)),
        used: NOW,
        idle: Span::hours(4),
    }
}

fn grant(id: u8, session: &Session) -> Grant {
    let request = AuthorizationRequest {
        client_id: "shop".to_owned(),
        redirect_uri: "https://shop.example/back".to_owned(),
        scopes: vec!["openid".to_owned()],
        state: None,
        nonce: None,
        code_challenge: None,
        max_age: None,
        fresh: false,
        registration: false,
        acr_values: Vec::new(),
        ui_locales: Vec::new(),
        login_hint: None,
        hinted: None,
        form_post: false,
    };
    Grant {
        id: GrantId::from_bytes([id; 16]),
        request,
        user: session.user.unwrap(),
        session: session.id,
        flow: Some("sign-in".to_owned()),
        evidence: Vec::new(),
        attributes: Data::new(),
        authenticated: NOW,
        stage: GrantStage::Code { secret: Digest::of([id]), expires: later(Span::seconds(60)) },
        expires: later(Span::hours(24)),
    }
}

fn exchanged(grant: &Grant) -> Grant {
    let stage = GrantStage::Refresh { code: Digest::of("code"), secret: None, generation: 1, previous: None };
    Grant { stage, ..grant.clone() }
}

/// As text, so that a field that is added later without a default breaks these tests as it would break journeys
/// that are under way.
pub(crate) fn journey(id: u8) -> Journey {
    let text = serde_json::json!({
        "format": 1,
        "flags": 0,
        "id": JourneyId::from_bytes([id; 16]),
        "flow": "sign-in",
        "digest": Digest::of("revision"),
        "started": NOW,
        "deadline": later(Span::minutes(20)),
        "purpose": { "standalone": { "query": {} } },
        "binding": { "channel": "browser", "secret": Digest::of("secret"), "rotation": 0 },
        "locale": "de",
        "frames": [{ "graph": 0, "step": 0 }],
        "user": null,
        "phase": { "ended": { "completed": { "at": NOW, "session": null, "outcome": "application" } } },
        "instances": 1,
    });
    serde_json::from_value(text).unwrap()
}

/// What tests look at, one read each.
impl Store {
    async fn journey(&self, id: &JourneyId, now: Timestamp) -> Result<Option<Journey>, StoreError> {
        self.read(now, &[Wanted::journey(id)]).await?.journey(id)
    }

    async fn session(&self, id: &SessionId, now: Timestamp) -> Result<Option<Session>, StoreError> {
        self.reads(now).session(id).await
    }

    async fn grant(&self, id: &GrantId, now: Timestamp) -> Result<Option<Grant>, StoreError> {
        self.reads(now).grant(id).await
    }

    async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.read(NOW, &Wanted::person(id)).await?.user(id)
    }

    async fn credential(&self, id: &UserId) -> Result<Option<PasswordHash>, StoreError> {
        self.read(NOW, &Wanted::person(id)).await?.credential(id)
    }

    async fn find_user(&self, directory: &str, value: &str) -> Result<Option<User>, StoreError> {
        self.reads(NOW).find_user(&self.user_by(directory, &unique(), value, &[])).await
    }

    /// The counters' values.
    async fn counts(&self, keys: &[CounterKey], now: Timestamp) -> Vec<u32> {
        let wanted: Vec<Wanted> = keys.iter().map(|key| self.counter(key)).collect();
        let reads = self.read(now, &wanted).await.unwrap();
        keys.iter().map(|key| reads.count(key).unwrap().value).collect()
    }

    /// The reads of who has looked at a session.
    async fn after_session(&self, id: &SessionId, now: Timestamp) -> ReadSet {
        let mut reads = self.reads(now);
        assert!(reads.session(id).await.unwrap().is_some());
        reads
    }

    /// The reads of who has looked at a grant.
    async fn after_grant(&self, id: &GrantId) -> ReadSet {
        let mut reads = self.reads(NOW);
        assert!(reads.grant(id).await.unwrap().is_some());
        reads
    }

    /// A commit by who knows nothing.
    fn blind(&self) -> Commit {
        Commit::after(self.reads(NOW))
    }
}

pub(crate) fn sample_session(chance: &dyn Chance) -> Session {
    Session { id: SessionId::random(chance), ..session(1, Some(&user(1, ""))) }
}

pub(crate) fn sample_grant(chance: &dyn Chance, session: &Session) -> Grant {
    Grant { id: GrantId::random(chance), ..grant(1, session) }
}

/// Commits and demands success.
async fn done(store: &Store, commit: Commit) {
    assert_eq!(store.commit(commit).await, Ok(()));
}

/// A store with one user, signed in with session 1 and grant 1.
async fn signed_in(store: &Store) -> (User, Session, Grant) {
    let user = user(1, "ada@example.com");
    let session = session(1, Some(&user));
    let grant = exchanged(&grant(1, &session));
    let writes = [create(user.clone()), set_password(&user, "old", false)];
    done(store, store.blind().writes(writes).put_session(session.clone()).put_grant(grant.clone())).await;
    (user, session, grant)
}

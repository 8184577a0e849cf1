//! One simulated machine with an executor on it: what survives a crash, and what does not.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures_util::future::BoxFuture;
use http::Request;
use idflow_core::audit::AuditEvent;
use idflow_core::chance::SeededChance;
use idflow_core::digest::Digest;
use idflow_core::id::{JourneyId, UserId};
use idflow_core::secret::SecretText;
use idflow_core::session::Session;
use idflow_core::time::{Clock, ManualClock, Span, Timestamp};
use idflow_core::user::{User, UserState};
use idflow_core::write::Write;
use idflow_executor::app::Shared;
use idflow_executor::observer::Observer;
use idflow_executor::report::{Report, Reports};
use idflow_executor::runtime::{self, Executor, Parts};
use idflow_executor::source::Snapshot;
use idflow_executor::source::folder::Folder;
use idflow_factor::{Cost, Hasher};
use idflow_net::client::GuardedClient;
use idflow_net::guard::SystemResolver;
use idflow_net::mail::{MailError, Mailer, Message, SmtpSettings};
use idflow_oidc::endpoint::{ENDPOINTS, Endpoint};
use idflow_oidc::keys::{self, KeyPair, Keys};
use idflow_pages::Pages;
use idflow_store::seal::Keyring;
use idflow_store::{Commit, Store, Wanted};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::faults::{Kind, Storage};
use crate::visitor::Answer;

pub(crate) const ISSUER: &str = "http://127.0.0.1:8080";
pub(crate) const TENANT: &str = include_str!("tenant.yaml");
/// The token of the second port.
pub(crate) const ADMIN_TOKEN: &str = "admin-token-of-the-simulation";
pub(crate) const PASSWORD: &str = "correct horse battery staple 1";
/// A body of these tests is there at once or never.
const BODY_TIME: Duration = Duration::from_millis(50);
const BEGINNING: Timestamp = Timestamp(1_800_000_000_000);

/// The mails that were sent.
#[derive(Clone, Default)]
pub(crate) struct Mailbox {
    sent: Arc<Mutex<Vec<Message>>>,
    is_closed: Arc<AtomicBool>,
}

impl Mailer for Mailbox {
    fn send<'a>(&'a self, _: &'a SmtpSettings, message: Message) -> BoxFuture<'a, Result<(), MailError>> {
        if self.is_closed.load(Ordering::SeqCst) {
            return Box::pin(async { Err(MailError::Unreachable("the simulation took it")) });
        }
        self.sent.lock().unwrap().push(message);
        Box::pin(async { Ok(()) })
    }
}

impl Mailbox {
    pub(crate) fn all(&self) -> Vec<Message> {
        self.sent.lock().unwrap().clone()
    }

    /// From now on no mail server takes a mail.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// The code of the newest mail to this address.
    pub(crate) fn code_for(&self, address: &str) -> Option<String> {
        let mails = self.all();
        let newest = mails.iter().rev().find(|mail| mail.to == address)?;
        let mut words = newest.text.split(|letter: char| !letter.is_ascii_digit());
        words.find(|word| (6..=8).contains(&word.len())).map(str::to_owned)
    }
}

/// Keeps the events, and panics when it is told to.
#[derive(Default)]
pub(crate) struct Events {
    pub(crate) all: Mutex<Vec<AuditEvent>>,
    pub(crate) panics_once: AtomicBool,
}

impl Observer for Events {
    fn audit(&self, event: &AuditEvent) {
        assert!(!self.panics_once.swap(false, Ordering::SeqCst), "the simulation broke this request");
        self.all.lock().unwrap().push(event.clone());
    }
}

/// The time, from a clock that breaks when it is told to.
struct FragileClock {
    clock: Arc<ManualClock>,
    breaks_in: Arc<AtomicI64>,
}

impl Clock for FragileClock {
    fn now(&self) -> Timestamp {
        let left = self.breaks_in.fetch_sub(1, Ordering::SeqCst);
        assert!(left != 1, "the simulation broke this request");
        self.clock.now()
    }
}

/// What `idflow dev` would serve of these manifests.
pub(crate) fn snapshot(manifests: &str) -> Snapshot {
    let [folder, data] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("tenant.yaml"), manifests).unwrap();
    let mut folder = Folder::open(folder.path(), data.path(), ISSUER, idflow_nodes::kinds()).unwrap();
    let reading = folder.read().unwrap();
    let refused = &reading.changes.refused;
    assert!(refused.is_empty(), "{refused:?}: {:?}", reading.findings);
    reading.snapshot
}

/// The machine.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) storage: Storage,
    pub(crate) mails: Mailbox,
    pub(crate) events: Arc<Events>,
    pub(crate) snapshot: Snapshot,
    pub(crate) unlimited: bool,
    pub(crate) endpoints: &'static [&'static Endpoint],
    secrets: Secrets,
    chance: Arc<SeededChance>,
    clock_breaks_in: Arc<AtomicI64>,
    running: Option<Running>,
}

/// What a tenant's keys Secret holds.
pub(crate) struct Secrets {
    pub(crate) keyring: Keyring,
    pub(crate) signing: KeyPair,
}

impl Secrets {
    /// The same signing keys for every world: making a pair takes longer than most runs.
    pub(crate) fn of_the_simulation() -> Self {
        static PAIR: OnceLock<KeyPair> = OnceLock::new();
        let signing = PAIR.get_or_init(|| keys::generate().unwrap()).clone();
        Self { keyring: Keyring::new("acme", &[7; 32], &[]), signing }
    }
}

/// What a crash ends.
struct Running {
    app: Shared,
    reports: Reports,
    routes: Router,
    second: Router,
    /// Sends mails; dropped, it loses what it has not sent.
    _mails: JoinSet<()>,
}

impl World {
    pub(crate) async fn new(seed: u64) -> Self {
        static TENANT_SNAPSHOT: OnceLock<Snapshot> = OnceLock::new();
        Self::serving(seed, TENANT_SNAPSHOT.get_or_init(|| snapshot(TENANT)).clone()).await
    }

    pub(crate) async fn serving(seed: u64, snapshot: Snapshot) -> Self {
        Self::on(seed, Storage::new(), snapshot).await
    }

    /// A machine with records of its own kind.
    pub(crate) async fn on(seed: u64, storage: Storage, snapshot: Snapshot) -> Self {
        Self::taken_over(seed, snapshot, storage, Secrets::of_the_simulation(), BEGINNING).await
    }

    /// A machine with records that there were before, at some moment.
    pub(crate) async fn taken_over(
        seed: u64,
        snapshot: Snapshot,
        storage: Storage,
        secrets: Secrets,
        now: Timestamp,
    ) -> Self {
        let mut world = Self {
            clock: Arc::new(ManualClock::at(now)),
            storage,
            secrets,
            mails: Mailbox::default(),
            events: Arc::default(),
            snapshot,
            unlimited: false,
            endpoints: ENDPOINTS,
            chance: Arc::new(SeededChance::new(seed)),
            clock_breaks_in: Arc::default(),
            running: None,
        };
        world.restart().await;
        world
    }

    /// The process dies and another begins on the same records.
    pub(crate) async fn restart(&mut self) {
        self.running = None;
        let keyring = &self.secrets.keyring;
        let mut opened = None;
        // Opening meets the same faults; the kubelet tries again.
        for _ in 0..1000 {
            let chance = Arc::clone(&self.chance);
            opened = Store::over(Box::new(self.storage.clone()), keyring.clone(), chance as _).await.ok();
            if opened.is_some() {
                break;
            }
        }
        let executor = Executor::new(self.parts(opened.expect("the store opens")), &self.snapshot);
        let (app, reports) = (Arc::clone(&executor.app), executor.reports.clone());
        let routes = idflow_executor::http::routes(Arc::clone(&app), self.endpoints, BODY_TIME);
        let second = executor.second_port();
        let mut mails = JoinSet::new();
        mails.spawn(executor.deliver());
        self.running = Some(Running { app, reports, routes, second, _mails: mails });
    }

    fn parts(&self, store: Store) -> Parts {
        Parts {
            clock: Arc::new(FragileClock {
                clock: Arc::clone(&self.clock),
                breaks_in: Arc::clone(&self.clock_breaks_in),
            }),
            chance: Arc::clone(&self.chance) as _,
            kinds: idflow_nodes::kinds(),
            store,
            keys: Keys::new(&self.secrets.signing, &[]).unwrap(),
            hasher: Hasher::new(Cost::Cheapest),
            hashing_slots: 4,
            outbound: GuardedClient::new(Arc::new(SystemResolver), Vec::new()),
            mailer: Arc::new(self.mails.clone()),
            observer: Arc::clone(&self.events) as _,
            pages: Pages::embedded().unwrap(),
            development: true,
            unlimited: self.unlimited,
            fetch: None,
            admin_token: Some(Digest::of(ADMIN_TOKEN)),
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("a running executor")
    }

    pub(crate) fn app(&self) -> &Shared {
        &self.running().app
    }

    /// Serves something else from now on, without a restart.
    pub(crate) fn install(&mut self, snapshot: Snapshot) {
        let running = self.running.as_ref().expect("a running executor");
        runtime::install(&running.app, &running.reports, &snapshot);
        self.snapshot = snapshot;
    }

    /// The process restarts with these sealing keys, each 32 times one byte: the current one and an earlier one.
    pub(crate) async fn change_sealing_keys(&mut self, current: u8, earlier: Option<u8>) {
        let earlier: Vec<[u8; 32]> = earlier.iter().map(|key| [*key; 32]).collect();
        self.secrets.keyring = Keyring::new("acme", &[current; 32], &earlier);
        self.restart().await;
    }

    /// An executor on the same records that serves by itself, and on its way gets the interfaces of this machine.
    pub(crate) async fn executor(&self) -> Executor {
        let chance = Arc::clone(&self.chance);
        let keyring = self.secrets.keyring.clone();
        let store = Store::over(Box::new(self.storage.clone()), keyring, chance as _).await.unwrap();
        Executor::new(self.parts(store), &self.snapshot)
    }

    /// What the second port tells its caller, who has the token.
    pub(crate) async fn second(&self, path: &str) -> Answer {
        self.second_as(path, Some(&format!("Bearer {ADMIN_TOKEN}"))).await
    }

    /// The same for a caller who shows this, or nothing.
    pub(crate) async fn second_as(&self, path: &str, shown: Option<&str>) -> Answer {
        let mut request = Request::builder().uri(path);
        if let Some(shown) = shown {
            request = request.header("authorization", shown);
        }
        let request = request.body(Body::empty()).unwrap();
        Answer::read(self.running().second.clone().oneshot(request).await.unwrap()).await
    }

    /// The process restarts with signing keys that have nothing to do with those before.
    pub(crate) async fn change_signing_keys(&mut self) {
        self.secrets.signing = keys::generate().unwrap();
        self.restart().await;
    }

    /// The reading of the clock of this number from now, counted from 1, panics.
    pub(crate) fn break_clock_at(&self, reading: i64) {
        self.clock_breaks_in.store(reading, Ordering::SeqCst);
    }

    /// What the operator would hear.
    pub(crate) fn report(&self) -> Report {
        self.running().reports.latest()
    }

    /// Whether visitors may come.
    pub(crate) fn is_open(&self) -> bool {
        self.running().reports.is_open()
    }

    pub(crate) fn pass(&self, span: Span) {
        self.clock.advance(span);
    }

    /// One request from the socket's side of the router; afterwards the mails it caused are sent.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.running().routes.clone().oneshot(request).await.unwrap();
        let answer = Answer::read(response).await;
        self.settle().await;
        answer
    }

    /// Lets the mail worker empty its queue: every one of its waits is over at once.
    async fn settle(&self) {
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }

    /// A user with the usual password.
    pub(crate) async fn user(&self, email: &str) -> UserId {
        self.user_in("people", &[("email", email)]).await
    }

    /// The same of a Directory with these attributes, which nobody shares.
    pub(crate) async fn user_in(&self, directory: &str, attributes: &[(&str, &str)]) -> UserId {
        let chance = self.chance.as_ref();
        let (id, now) = (UserId::random(chance), self.now());
        let user = User {
            id,
            directory: directory.to_owned(),
            attributes: attributes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).into()))
                .collect(),
            verified: Vec::new(),
            groups: Vec::new(),
            state: UserState::Active,
            created: now,
            updated: now,
            reserved: None,
        };
        let hash = Hasher::new(Cost::Cheapest).hash(&SecretText::new(PASSWORD), chance).unwrap();
        let writes = [
            Write::CreateUser {
                user,
                unique: attributes.iter().map(|(name, _)| (*name).to_owned()).collect(),
            },
            Write::SetPassword { user: id, hash, ends_sessions: false },
        ];
        self.app().store.commit(self.nothing_read().writes(writes)).await.unwrap();
        id
    }

    /// Who has this address.
    pub(crate) async fn find(&self, email: &str) -> UserId {
        let store = &self.app().store;
        let by = store.user_by("people", &["email".to_owned()], email, &[]);
        store.reads(self.now()).find_user(&by).await.unwrap().expect("a user").id
    }

    /// An administrator locks somebody.
    pub(crate) async fn lock(&self, id: UserId) {
        self.change(id, |user| user.state = UserState::Locked).await;
    }

    /// An administrator changes somebody.
    pub(crate) async fn change(&self, id: UserId, change: impl FnOnce(&mut User)) {
        let reads = self.app().store.read(self.now(), &Wanted::person(&id)).await.unwrap();
        let previous = reads.user(&id).unwrap().expect("a user");
        let mut user = previous.clone();
        change(&mut user);
        let write = Write::UpdateUser { user, previous, unique: vec!["email".to_owned()] };
        self.app().store.commit(Commit::after(reads).writes([write])).await.unwrap();
    }

    /// A commit by who knows nothing.
    pub(crate) fn nothing_read(&self) -> Commit {
        Commit::after(self.app().store.reads(self.now()))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The session that a journey opened.
    pub(crate) async fn session_of(&self, journey: &str) -> Option<Session> {
        let id: JourneyId = journey.parse().expect("a journey's id");
        let session = self.app().session_id(id);
        self.app().store.reads(self.now()).session(&session).await.unwrap()
    }

    /// The security events that were stored, oldest first.
    pub(crate) async fn stored_events(&self) -> Vec<AuditEvent> {
        self.app().store.audit(Timestamp(0), self.now(), 10_000).await.unwrap()
    }

    pub(crate) async fn count(&self, kind: Kind) -> usize {
        self.storage.count(kind).await
    }
}

//! Performs what steps ask: reads, hashing on the bounded pool, calls through connections.

use std::sync::Arc;

use idflow_core::Value;
use idflow_core::chance::Chance;
use idflow_core::counter::{Count, CounterKey};
use idflow_core::effect::{Answer, Ask, HttpCall, PendingAsk};
use idflow_core::id::EffectId;
use idflow_core::secret::{PasswordHash, SecretText};
use idflow_factor::{Hasher, Policy};
use idflow_net::client::{GuardedClient, OutboundRequest};
use idflow_store::{ReadSet, Store, StoreError, UserBy, Wanted};

use crate::configuration::{Configuration, Connection};
use crate::devices;
use crate::pool::Pool;

/// Performs asks.
#[derive(Clone)]
pub struct Asks {
    /// The records.
    pub store: Store,
    /// The bounded pool for hashing.
    pub pool: Pool,
    /// How passwords are hashed.
    pub hasher: Arc<Hasher>,
    /// Salts.
    pub chance: Arc<dyn Chance>,
    /// The guarded client for calls to the outside.
    pub outbound: GuardedClient,
    /// Whether counters read as if nothing had been counted.
    pub unlimited: bool,
}

/// What an ask looks at, made once.
pub struct Looks<'a> {
    by: Option<UserBy<'a>>,
    wanted: Vec<Wanted>,
}

impl Looks<'_> {
    /// The records that are known before anything was read.
    pub fn wanted(&self) -> impl Iterator<Item = &Wanted> {
        self.by.iter().flat_map(UserBy::wanted).chain(&self.wanted)
    }

    async fn find_holder(&self, reads: &mut ReadSet) -> Result<Answer, StoreError> {
        Ok(Answer::User(match &self.by {
            Some(by) => reads.find_holder(by).await?,
            None => None,
        }))
    }

    async fn find_user(&self, reads: &mut ReadSet) -> Result<Answer, StoreError> {
        Ok(Answer::User(match &self.by {
            Some(by) => reads.find_user(by).await?,
            None => None,
        }))
    }
}

impl Asks {
    /// What an ask looks at, and what is foreseen with it.
    pub fn looks<'a>(&self, PendingAsk { ask, foreseen, .. }: &'a PendingAsk) -> Looks<'a> {
        let mut looks = Looks { by: None, wanted: self.counters(&foreseen.counters).collect() };
        if let Some(names) = &foreseen.names {
            let by = |value: &'a String| self.store.user_by(&names.directory, &names.unique, value, &[]);
            looks.wanted.extend(names.values.iter().flat_map(|value| by(value).wanted().to_vec()));
        }
        match ask {
            Ask::FindUser { directory, attributes, value } => {
                looks.by = Some(self.store.user_by(directory, attributes, value, &foreseen.of_found));
            }
            Ask::FindHolder { directory, attribute, value } => {
                let attributes = std::slice::from_ref(attribute);
                looks.by = Some(self.store.user_by(directory, attributes, value, &[]));
            }
            Ask::ReadUser { user }
            | Ask::ReadIdentified { user, .. }
            | Ask::RecognizeDevice { user, .. }
            | Ask::VerifyPassword { user: Some(user), .. } => looks.wanted.extend(Wanted::person(user)),
            Ask::ReadCounters { keys } => looks.wanted.extend(self.counters(keys)),
            Ask::RecognizeReader { .. }
            | Ask::VerifyPassword { user: None, .. }
            | Ask::HashPassword { .. }
            | Ask::Http(_) => {}
        }
        looks
    }

    fn counters(&self, keys: &[CounterKey]) -> impl Iterator<Item = Wanted> {
        keys.iter().map(|key| self.store.counter(key))
    }

    /// Performs one ask. What cannot be reached is `Unavailable`; nothing here turns doubt into a yes. What an answer
    /// rests on is added to `reads`: the commit holds only while it is unchanged.
    pub async fn perform(
        &self,
        pending: &PendingAsk,
        looks: &Looks<'_>,
        configuration: &Configuration,
        reads: &mut ReadSet,
    ) -> Answer {
        let answered = match reads.more(looks.wanted()).await {
            Ok(()) => self.answer(pending, looks, configuration, reads).await,
            Err(error) => Err(error),
        };
        answered.unwrap_or_else(|error| {
            tracing::error!(%error, "the store did not answer");
            Answer::Unavailable
        })
    }

    async fn answer(
        &self,
        PendingAsk { id, ask, .. }: &PendingAsk,
        looks: &Looks<'_>,
        configuration: &Configuration,
        reads: &mut ReadSet,
    ) -> Result<Answer, StoreError> {
        Ok(match ask {
            Ask::FindUser { .. } => looks.find_user(reads).await?,
            Ask::FindHolder { .. } => looks.find_holder(reads).await?,
            Ask::ReadIdentified { user, epoch } if !reads.has_standing(user, *epoch)? => {
                Answer::StandingEnded
            }
            Ask::ReadUser { user } | Ask::ReadIdentified { user, .. } => Answer::User(reads.user(user)?),
            Ask::ReadCounters { keys } if self.unlimited => {
                Answer::Counts(vec![Count::default(); keys.len()])
            }
            Ask::ReadCounters { keys } => {
                Answer::Counts(keys.iter().map(|key| reads.count(key)).collect::<Result<_, _>>()?)
            }
            Ask::RecognizeDevice { user, devices } => {
                let epoch = reads.epoch(user)?;
                Answer::Device(devices::recognized(self.store.keyring(), user, epoch, devices))
            }
            Ask::RecognizeReader { address, devices } => {
                Answer::Device(devices::readers(self.store.keyring(), address, devices))
            }
            Ask::HashPassword { directory, personal, password } => {
                self.hash(configuration, directory, personal, password).await
            }
            Ask::VerifyPassword { user, password } => {
                let stored = user.map_or(Ok(None), |user| reads.credential(&user))?;
                self.verify(stored, password).await
            }
            Ask::Http(call) => self.call(configuration, id, call).await,
        })
    }

    async fn hash(
        &self,
        configuration: &Configuration,
        directory: &str,
        personal: &[String],
        password: &SecretText,
    ) -> Answer {
        // Without its Directory nobody can say what a password must be, and no demand at all would be the worst guess.
        let Some(live) = configuration.directories.get(directory) else { return Answer::Gone };
        let policy = Policy { minimum_length: live.minimum_length, blocklist: live.blocklist.clone() };
        if let Err(weaknesses) = idflow_factor::acceptable(password, &policy, personal) {
            return Answer::Weak(weaknesses);
        }
        let (hasher, chance, password) =
            (Arc::clone(&self.hasher), Arc::clone(&self.chance), password.clone());
        match self.pool.run(move || hasher.hash(&password, chance.as_ref())).await {
            Ok(Ok(hash)) => Answer::Hashed(hash),
            _ => Answer::Unavailable,
        }
    }

    async fn verify(&self, stored: Option<PasswordHash>, password: &SecretText) -> Answer {
        let (hasher, chance, password) =
            (Arc::clone(&self.hasher), Arc::clone(&self.chance), password.clone());
        let verified =
            self.pool.run(move || verdict(&hasher, chance.as_ref(), stored.as_ref(), &password)).await;
        verified.unwrap_or(Answer::Unavailable)
    }

    async fn call(&self, configuration: &Configuration, id: &EffectId, call: &HttpCall) -> Answer {
        let Some(Connection::Http(connection)) = configuration.connections.get(&call.connection) else {
            return Answer::Gone;
        };
        let mut headers = connection.headers.clone();
        if call.method != "GET" {
            headers.push(("idempotency-key".to_owned(), SecretText::new(id.to_string())));
        }
        headers.extend(call.headers.iter().map(|(name, value)| (name.clone(), SecretText::new(value))));
        let request = OutboundRequest {
            method: call.method.clone(),
            base: connection.base.clone(),
            path: call.path.clone(),
            headers,
            body: call.body.as_ref().map(ToString::to_string),
            timeout: connection.timeout,
            allowed_hosts: configuration.allowed_hosts.clone(),
            allowed_networks: configuration.allowed_networks.clone(),
        };
        match self.outbound.request(request).await {
            Ok(response) => Answer::Http { status: response.status, body: body(&response.body) },
            Err(problem) => {
                tracing::warn!(connection = call.connection, %problem, "a call to the outside failed");
                Answer::Unavailable
            }
        }
    }
}

/// A missing user or hash costs as much as a wrong password (checklist E-2).
fn verdict(
    hasher: &Hasher,
    chance: &dyn Chance,
    stored: Option<&PasswordHash>,
    password: &SecretText,
) -> Answer {
    let Some(stored) = stored else {
        let _costs_as_much = hasher.verify(hasher.decoy(), password);
        return Answer::Verified { matches: false, rehashed: None };
    };
    match hasher.verify(stored, password) {
        Ok(verdict) => {
            let rehash = verdict.matches && verdict.needs_rehash;
            let rehashed = if rehash { hasher.hash(password, chance).ok() } else { None };
            Answer::Verified { matches: verdict.matches, rehashed }
        }
        Err(corrupt) => {
            tracing::error!(%corrupt, "a stored password hash cannot be read");
            Answer::Unavailable
        }
    }
}

fn body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

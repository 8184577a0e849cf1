//! Performs what steps ask: reads, hashing on the bounded pool, calls through connections.

use std::sync::Arc;

use idflow_core::Value;
use idflow_core::chance::Chance;
use idflow_core::counter::{Count, CounterKey};
use idflow_core::effect::{Answer, Ask, HttpCall, PendingAsk};
use idflow_core::id::{EffectId, UserId};
use idflow_core::secret::{PasswordHash, SecretText};
use idflow_factor::{Hasher, Policy};
use idflow_net::client::{GuardedClient, OutboundRequest};
use idflow_store::{ReadSet, Store, StoreError, Wanted};

use crate::configuration::{Configuration, Connection};
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

impl Asks {
    /// The records that an ask looks at first, known before anything was read.
    pub fn wanted(&self, ask: &Ask) -> Vec<Wanted> {
        match ask {
            Ask::FindUser { directory, attributes, value, counters, user_counters } => {
                let mut wanted = self.store.user_by(directory, attributes, value, user_counters);
                wanted.extend(self.counted(counters));
                wanted
            }
            Ask::ReadIdentified { user, counters, .. } => {
                Wanted::person(user).into_iter().chain(self.counted(counters)).collect()
            }
            Ask::ReadUser { user } | Ask::VerifyPassword { user: Some(user), .. } => {
                Wanted::person(user).to_vec()
            }
            Ask::ReadCounters { keys } => self.counted(keys).collect(),
            Ask::VerifyPassword { user: None, .. } | Ask::HashPassword { .. } | Ask::Http(_) => Vec::new(),
        }
    }

    fn counted(&self, keys: &[CounterKey]) -> impl Iterator<Item = Wanted> {
        keys.iter().map(|key| self.store.counter(key))
    }

    /// Performs one ask. What cannot be reached is `Unavailable`; nothing here turns doubt into a yes. What an answer
    /// rests on is added to `reads`: the commit holds only while it is unchanged.
    pub async fn perform(
        &self,
        pending: &PendingAsk,
        configuration: &Configuration,
        reads: &mut ReadSet,
    ) -> Answer {
        match &pending.ask {
            Ask::HashPassword { directory, personal, password } => {
                self.hash(configuration, directory, personal, password).await
            }
            Ask::VerifyPassword { user, password } => self.verify(*user, password, reads).await,
            Ask::Http(call) => self.call(configuration, &pending.id, call).await,
            ask => self.look_up(ask, reads).await.unwrap_or_else(|error| {
                tracing::error!(%error, "the store did not answer");
                Answer::Unavailable
            }),
        }
    }

    async fn look_up(&self, ask: &Ask, reads: &mut ReadSet) -> Result<Answer, StoreError> {
        reads.more(&self.wanted(ask)).await?;
        Ok(match ask {
            Ask::FindUser { directory, attributes, value, .. } => {
                Answer::User(reads.find_user(directory, attributes, value).await?)
            }
            Ask::ReadIdentified { user, epoch, .. } if !reads.has_standing(user, *epoch)? => {
                Answer::StandingEnded
            }
            Ask::ReadUser { user } | Ask::ReadIdentified { user, .. } => Answer::User(reads.user(user)?),
            Ask::ReadCounters { keys } if self.unlimited => {
                Answer::Counts(vec![Count::default(); keys.len()])
            }
            Ask::ReadCounters { keys } => {
                Answer::Counts(keys.iter().map(|key| reads.count(key)).collect::<Result<_, _>>()?)
            }
            Ask::VerifyPassword { .. } | Ask::HashPassword { .. } | Ask::Http(_) => Answer::Gone,
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

    async fn verify(&self, user: Option<UserId>, password: &SecretText, reads: &mut ReadSet) -> Answer {
        let Ok(stored) = stored_hash(user, reads).await else { return Answer::Unavailable };
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

async fn stored_hash(user: Option<UserId>, reads: &mut ReadSet) -> Result<Option<PasswordHash>, StoreError> {
    let Some(user) = user else { return Ok(None) };
    reads.more(&Wanted::person(&user)).await?;
    reads.credential(&user)
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

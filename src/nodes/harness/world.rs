//! The outside of every journey: users, passwords, counters and mails, all in memory.

use std::collections::BTreeMap;

use idflow_core::counter::{Count, CounterKey, CounterStep};
use idflow_core::effect::{Answer, Ask, Mail, Weakness};
use idflow_core::id::UserId;
use idflow_core::name::canonical;
use idflow_core::secret::PasswordHash;
use idflow_core::time::Timestamp;
use idflow_core::user::{User, UserState};
use idflow_core::write::Write;
use idflow_engine::run::Commit;
use serde_json::json;

use super::person::Person;

pub(super) struct World {
    pub(super) now: Timestamp,
    users: BTreeMap<UserId, User>,
    hashes: BTreeMap<UserId, PasswordHash>,
    counts: BTreeMap<CounterKey, Count>,
    /// What has refused commits since the last that was taken.
    pub(super) full: Vec<CounterKey>,
    pub(super) mails: Vec<Mail>,
}

/// The whole commit is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CounterFull;

fn hash(password: &str) -> PasswordHash {
    PasswordHash(format!("hash of {password}"))
}

fn is_called(user: &User, attributes: &[String], value: &str) -> bool {
    let mut texts = attributes.iter().filter_map(|name| user.text(name));
    texts.any(|text| canonical(text) == canonical(value))
}

impl World {
    pub(super) fn new() -> Self {
        let users = Person::ALL.map(|person| (person.user().id, person.user()));
        let hashes = Person::ALL.map(|person| (person.user().id, hash(person.password)));
        Self {
            now: Timestamp(1_700_000_000_000),
            users: BTreeMap::from(users),
            hashes: BTreeMap::from(hashes),
            counts: BTreeMap::new(),
            full: Vec::new(),
            mails: Vec::new(),
        }
    }

    pub(super) fn answer(&self, ask: &Ask) -> Answer {
        match ask {
            Ask::FindUser { attributes, value, .. } => {
                let mut users = self.users.values().filter(|user| user.reserved.is_none());
                Answer::User(users.find(|user| is_called(user, attributes, value)).cloned())
            }
            Ask::FindHolder { attribute, value, .. } => {
                let attributes = std::slice::from_ref(attribute);
                Answer::User(self.users.values().find(|user| is_called(user, attributes, value)).cloned())
            }
            Ask::ReadUser { user } | Ask::ReadIdentified { user, .. } => {
                Answer::User(self.users.get(user).cloned())
            }
            Ask::ReadCounters { keys } => {
                let count = |key| self.counts.get(key).copied().unwrap_or_default().at(self.now);
                Answer::Counts(keys.iter().map(count).collect())
            }
            Ask::HashPassword { password, .. } if password.code_points() > 1024 => {
                Answer::Weak(vec![Weakness::TooLong { maximum: 1024 }])
            }
            Ask::HashPassword { password, .. } => Answer::Hashed(hash(password.expose_for("a test"))),
            Ask::VerifyPassword { user, password } => {
                let stored = user.and_then(|user| self.hashes.get(&user));
                let matches = stored == Some(&hash(password.expose_for("a test")));
                Answer::Verified { matches, rehashed: None }
            }
            Ask::RecognizeDevice { .. } | Ask::RecognizeReader { .. } => Answer::Device(None),
            Ask::Http(_) => Answer::Http { status: 200, body: json!({ "number": 7, "listed": false }) },
        }
    }

    /// Locks a user, as an administrator does.
    pub(super) fn lock(&mut self, person: Person) {
        if let Some(user) = self.users.get_mut(&person.user().id) {
            user.state = UserState::Locked;
        }
    }

    /// Applies a commit as the store does: a counter that is full refuses all of it.
    pub(super) fn commit(&mut self, commit: Commit) -> Result<(), CounterFull> {
        let mut counts = self.counts.clone();
        for step in &commit.counters {
            let (key, limit) = match step {
                CounterStep::AddUnlessFull { key, limit }
                | CounterStep::RequireBelow { key, limit }
                | CounterStep::RequireBelowAndReset { key, limit } => (key, limit),
                CounterStep::Clear { key } => {
                    counts.remove(key);
                    continue;
                }
            };
            let count = counts.get(key).copied().unwrap_or_default();
            let Some(added) = count.add(*limit, self.now) else {
                self.full.push(key.clone());
                return Err(CounterFull);
            };
            let after = match step {
                CounterStep::AddUnlessFull { .. } => added,
                CounterStep::RequireBelow { .. } => count,
                CounterStep::RequireBelowAndReset { .. } | CounterStep::Clear { .. } => Count::default(),
            };
            counts.insert(key.clone(), after);
        }
        self.counts = counts;
        self.full.clear();
        for write in &commit.writes {
            match write {
                Write::CreateUser { user, .. } | Write::UpdateUser { user, .. } => {
                    self.users.insert(user.id, user.clone());
                }
                Write::ConfirmUser { user, addresses } => {
                    if let Some(known) = self.users.get_mut(user).filter(|known| known.reserved.is_some()) {
                        *known = known.clone().confirmed(addresses);
                    }
                }
                Write::DeleteUser { previous } => {
                    self.users.remove(&previous.id);
                    self.hashes.remove(&previous.id);
                }
                Write::SetPassword { user, hash, .. } => {
                    self.hashes.insert(*user, hash.clone());
                }
            }
        }
        self.mails.extend(commit.committed());
        Ok(())
    }
}

//! `1 │ digest of tenant and counter`, and the user's id where it is a user's → how many events the current window has seen; expires with the window. Not
//! sealed: a backend evaluates it. Never a guard: what counts is judged inside the commit.

use idflow_core::counter::{Count, CounterKey};
use idflow_core::digest::Digest;
use idflow_core::id::UserId;
use idflow_core::time::Timestamp;

use super::COUNTER;
use crate::backend::{Key, decode_count};
use crate::read::{ReadSet, Wanted};
use crate::seal::Keyring;
use crate::{Store, StoreError};

pub(crate) fn key(keyring: &Keyring, counter: &CounterKey) -> Key {
    let mut key = of_users(keyring, &counter.what);
    key.extend(counter.user.iter().flat_map(UserId::as_bytes));
    key
}

/// What the keys of users' counters of this name begin with.
pub(crate) fn of_users(keyring: &Keyring, what: &str) -> Key {
    COUNTER.key(Digest::of_parts(&[keyring.tenant().as_bytes(), what.as_bytes()]).as_bytes())
}

impl Store {
    /// A counter, to spare work that a full one refuses anyway.
    pub fn counter(&self, counter: &CounterKey) -> Wanted {
        Wanted::hint(key(self.keyring(), counter))
    }
}

impl ReadSet {
    /// The counter as it stood. One that cannot be read is full.
    pub fn count(&self, counter: &CounterKey) -> Result<Count, StoreError> {
        let full = Count { value: u32::MAX, ends: Timestamp(i64::MAX) };
        let record = self.raw(&key(self.keyring(), counter))?;
        let count = record.map_or(Count::default(), |record| decode_count(&record.bytes).unwrap_or(full));
        Ok(count.at(self.now()))
    }
}

//! The database in one folder: one file per record kind with its id, content, expiry, and how it is read and written.
//!
//! A key is the kind's number and the id; the value is sealed (see [`crate::seal`]) but for counters, which a
//! backend evaluates. Inside the seal stand a format byte and JSON. Numbers and formats are never reused: a new kind
//! is a file and the next number in the list below.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idflow_core::chance::Chance;
use idflow_core::id::UserId;
use idflow_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::{Batch, Condition, Effect, Key, Reply, Versioned, pointer};
use crate::seal::{Keyring, Unsealable};
use crate::{Store, StoreError};

pub(crate) mod counter;

/// The number of counters, the one kind that is not sealed.
pub(crate) const COUNTER: Kind = Kind { number: 1, name: "counter", reseal: in_place };

/// Everything else follows from this list: keys, seals, rotation of keys, the tests of every codec.
macro_rules! kinds {
    ($($number:literal $name:ident: $record:ty,)+) => {
        $(pub(crate) mod $name;)+

        $(impl Numbered for $record {
            const KIND: Kind =
                Kind { number: $number, name: stringify!($name), reseal: <$record as Record>::RESEAL };
        })+

        /// Every kind whose records are sealed.
        pub(crate) const SEALED: &[Kind] = &[$(<$record as Numbered>::KIND),+];

        /// Runs a test over every kind.
        #[cfg(test)]
        pub(crate) fn for_each_kind(test: &impl OverKinds) {
            $(test.run::<$record>();)+
        }
    };
}

kinds! {
    2 journey: idflow_core::journey::Journey,
    3 session: session::SessionRecord,
    4 user: idflow_core::user::User,
    5 user_index: user_index::UserIndex,
    6 credential: credential::Credential,
    7 standing: standing::Standing,
    8 grant: grant::GrantRecord,
    9 audit: idflow_core::audit::AuditEvent,
    10 tenant: tenant::Tenant,
    11 block: block::Block,
    12 uniqueness: uniqueness::Uniqueness,
    13 last_post: idflow_core::journey::LastPost,
}

/// A record kind as the store sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    number: u8,
    name: &'static str,
    /// How one of its records is moved under another key of the tenant.
    pub(crate) reseal: Reseal,
}

impl Kind {
    pub(crate) const fn number(self) -> u8 {
        self.number
    }

    pub(crate) fn key(self, id: &[u8]) -> Key {
        let mut key = Vec::with_capacity(1 + id.len());
        key.push(self.number);
        key.extend(id);
        key
    }
}

/// Adds to a batch what moves one record, by its kind and id, under the current key.
pub(crate) type Reseal =
    for<'a> fn(&'a Store, &'a mut Batch, Kind, &'a [u8], &'a Versioned) -> Reply<'a, Result<(), StoreError>>;

/// The same content under the same id.
pub(crate) fn in_place<'a>(
    store: &'a Store,
    batch: &'a mut Batch,
    kind: Kind,
    id: &'a [u8],
    record: &'a Versioned,
) -> Reply<'a, Result<(), StoreError>> {
    Box::pin(async move {
        let plain = store.keyring().open(kind.number(), id, &record.bytes);
        let plain = plain.ok_or_else(|| Corrupt::new(kind, id, "the seal is broken"))?;
        let bytes =
            store.keyring().seal(store.chance(), (kind.number(), id), pointer(&record.bytes), plain)?;
        let unchanged = Condition::Version(record.version);
        batch.push(kind.key(id), unchanged, Effect::Put { bytes, expires: record.expires });
        Ok(())
    })
}

/// A test that every kind has to pass.
#[cfg(test)]
pub(crate) trait OverKinds {
    fn run<R: Record>(&self);
}

/// The line of the list that a record stands in.
pub(crate) trait Numbered {
    const KIND: Kind;
}

/// What a sealed record kind says about itself.
pub(crate) trait Record:
    Numbered + Serialize + DeserializeOwned + Clone + Send + Sync + 'static
{
    /// The format that this program writes.
    const FORMAT: u8 = 1;
    /// How a record is moved under another key of the tenant.
    const RESEAL: Reseal = in_place;

    /// From when on it counts as absent, if it ever does. Not kept inside the seal.
    fn expires(&self) -> Option<Timestamp>;

    /// The user whose records are read along with it (see [`Lookup`](crate::backend::Lookup)). Stands beside the seal.
    fn owner(&self) -> Option<UserId> {
        None
    }

    /// Any record of the kind, drawn for the test of its codec.
    #[cfg(test)]
    fn sample(chance: &dyn Chance) -> Self;
}

/// A record that cannot be read. Whoever asked for it is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {kind} record {id} cannot be opened ({reason}): it is damaged, or sealed with a key that is not here"
)]
pub struct Corrupt {
    /// The record's kind.
    pub kind: &'static str,
    /// Its id, in base64url.
    pub id: String,
    /// What did not fit.
    pub reason: &'static str,
}

impl Corrupt {
    pub(crate) fn new(kind: Kind, id: &[u8], reason: &'static str) -> Self {
        Self { kind: kind.name, id: URL_SAFE_NO_PAD.encode(id), reason }
    }
}

/// The sealed bytes of a record.
pub(crate) fn seal<R: Record>(
    keyring: &Keyring,
    chance: &dyn Chance,
    id: &[u8],
    record: &R,
) -> Result<Vec<u8>, Unsealable> {
    let mut plain = Vec::with_capacity(1024);
    plain.push(R::FORMAT);
    serde_json::to_writer(&mut plain, record).map_err(|_| Unsealable)?;
    let pointer = record.owner().map(|owner| *owner.as_bytes());
    keyring.seal(chance, (R::KIND.number, id), pointer, plain)
}

/// The record in sealed bytes.
pub(crate) fn open<R: Record>(keyring: &Keyring, id: &[u8], stored: &Versioned) -> Result<R, Corrupt> {
    let corrupt = |reason| Corrupt::new(R::KIND, id, reason);
    let plain =
        keyring.open(R::KIND.number, id, &stored.bytes).ok_or_else(|| corrupt("the seal is broken"))?;
    match plain.split_first() {
        Some((&format, content)) if format == R::FORMAT => {
            serde_json::from_slice(content).map_err(|_| corrupt("the content has another shape"))
        }
        _ => Err(corrupt("the format is unknown")),
    }
}

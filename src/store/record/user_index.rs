//! `5 │ HMAC(directory, attribute, normalized value)` → which user has it. Made and removed with the user's
//! attributes, in the same batch; its absence is the condition that makes a value unique.

use std::collections::BTreeMap;

use idflow_core::id::UserId;
use idflow_core::time::Timestamp;
use idflow_core::user::{User, normalized_identifier};
use serde::{Deserialize, Serialize};

use super::{Kind, Record};
use crate::seal::Keyring;

/// An entry as stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct UserIndex {
    pub(crate) user: UserId,
    /// By which attribute, so that the entry can be made anew under another key.
    pub(crate) attribute: String,
}

impl Record for UserIndex {
    const KIND: Kind = Kind::UserIndex;
    const FORMAT: u8 = 1;

    fn expires(&self) -> Option<Timestamp> {
        None
    }
}

/// The ids under every key of the ring, the current one first; none for a value that cannot identify anybody.
pub(crate) fn ids(keyring: &Keyring, directory: &str, attribute: &str, value: &str) -> Vec<[u8; 32]> {
    let value = normalized_identifier(value);
    if value.is_empty() {
        return Vec::new();
    }
    let parts: [&[u8]; 3] = [directory.as_bytes(), attribute.as_bytes(), value.as_bytes()];
    keyring.derivations("user index", &parts).collect()
}

/// The ids of a user's unique attributes, by attribute.
pub(crate) fn ids_of<'a>(
    keyring: &Keyring,
    user: &User,
    unique: impl IntoIterator<Item = &'a String>,
) -> BTreeMap<&'a str, Vec<[u8; 32]>> {
    let named = unique.into_iter().filter_map(|attribute| {
        let ids = ids(keyring, &user.directory, attribute, user.text(attribute)?);
        (!ids.is_empty()).then_some((attribute.as_str(), ids))
    });
    named.collect()
}

//! `12 │ digest of directory` → which of a Directory's attributes are indexed as unique, and how far an index that is being
//! made has come. Absent until somebody follows the Directory with [`Store::follow_directory`]. Never expires.

use std::collections::{BTreeMap, BTreeSet};

use idflow_core::digest::Digest;
use idflow_core::id::UserId;
use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Numbered as _, Record};
use crate::backend::Key;
use crate::read::{ReadSet, Wanted};
use crate::{Store, StoreError};

/// The form of names that indices are made by: 1 is the one of [`canonical`](idflow_core::name::canonical), 0 what the
/// first version had.
pub(crate) const FORM: u8 = 1;

/// What is indexed of a Directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uniqueness {
    /// Attributes whose every readable value is indexed: nobody can take a value that somebody has, unless that
    /// somebody's record could not be opened.
    pub indexed: BTreeSet<String>,
    /// Attributes that all name a user at sign-in: nobody can take for one of them what somebody has for another.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub identifiers: BTreeSet<String>,
    /// How many users have a value of an indexed attribute that somebody else has too: the attribute is not unique yet.
    #[serde(default)]
    pub duplicates: BTreeMap<String, u32>,
    /// How many records the index of an attribute could not take up, because they cannot be opened: what they hold may
    /// be somebody else's value too.
    #[serde(default)]
    pub unreadable: BTreeMap<String, u32>,
    /// The index that is being made, if one is.
    #[serde(default)]
    pub building: Option<Building>,
    /// The form of names that it is made by.
    #[serde(default)]
    pub(crate) form: u8,
}

/// An index on the way: every user up to `after` is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Building {
    pub(crate) attributes: BTreeSet<String>,
    pub(crate) after: Option<UserId>,
    pub(crate) duplicates: BTreeMap<String, u32>,
    #[serde(default)]
    pub(crate) unreadable: BTreeMap<String, u32>,
}

impl Record for Uniqueness {
    fn expires(&self) -> Option<Timestamp> {
        None
    }

    #[cfg(test)]
    fn sample(chance: &dyn idflow_core::chance::Chance) -> Self {
        let name = idflow_core::chance::token(chance);
        let building = Building { after: Some(UserId::random(chance)), ..Building::default() };
        Self {
            indexed: BTreeSet::from([name.clone()]),
            identifiers: BTreeSet::from([name.clone()]),
            duplicates: BTreeMap::from([(name.clone(), 2)]),
            unreadable: BTreeMap::from([(name, 1)]),
            building: Some(building),
            form: FORM,
        }
    }
}

pub(crate) fn id(directory: &str) -> [u8; 32] {
    *Digest::of(directory).as_bytes()
}

pub(crate) fn key(directory: &str) -> Key {
    Uniqueness::KIND.key(&id(directory))
}

pub(crate) fn wanted(directory: &str) -> Wanted {
    Wanted::guard::<Uniqueness>(&id(directory))
}

impl Uniqueness {
    /// Whether every value of the attribute is known to be one user's.
    pub fn is_unique(&self, attribute: &str) -> bool {
        let in_doubt = self.duplicates.contains_key(attribute) || self.unreadable.contains_key(attribute);
        self.indexed.contains(attribute) && !in_doubt
    }
}

impl Store {
    /// What is indexed of a Directory; nothing while nobody has followed it.
    pub async fn uniqueness(&self, directory: &str, now: Timestamp) -> Result<Option<Uniqueness>, StoreError> {
        Ok(self.read(now, &[wanted(directory)]).await?.uniqueness(directory)?.cloned())
    }
}

impl ReadSet {
    pub(crate) fn uniqueness(&self, directory: &str) -> Result<Option<&Uniqueness>, StoreError> {
        self.get(&id(directory))
    }
}

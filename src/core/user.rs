//! A person in a directory.

use serde::{Deserialize, Serialize};

use crate::Data;
use crate::id::UserId;
use crate::name::{is_same, reads_as_address};
use crate::time::Timestamp;

/// The name under which expressions read a user's groups.
pub const GROUPS: &str = "groups";

/// In how many groups a user is at most: applications are told of all of them in every token.
pub const MOST_GROUPS: usize = 200;

/// Whether a group may be called so.
pub fn is_group(name: &str) -> bool {
    (1..=128).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// A user of a directory. The password hash is a record of its own and never travels with the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Never reused.
    pub id: UserId,
    /// The `Directory` the user lives in.
    pub directory: String,
    /// Attributes by the names the Directory declares.
    pub attributes: Data,
    /// Names of attributes whose value the user has proven to control, such as `email`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verified: Vec<String>,
    /// The groups the user is in, by name: what applications decide rights by. Nobody puts themselves into one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Whether the user may take part in journeys.
    pub state: UserState,
    /// When the user was created.
    pub created: Timestamp,
    /// When attributes or state last changed.
    pub updated: Timestamp,
    /// What a sign-up that is not finished holds; nothing for a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Reservation>,
}

/// A place that a sign-up keeps until it gives the user a first credential or completes. To everybody else it is as if
/// there were nobody, and from its end on there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// When it ends.
    pub until: Timestamp,
    /// The attributes that must be nobody else's by then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<String>,
}

impl User {
    /// What expressions read as `user`: the attributes, and `groups` where no attribute is called so.
    pub fn data(&self) -> Data {
        let mut data = self.attributes.clone();
        data.entry(GROUPS).or_insert_with(|| self.groups.clone().into());
        data
    }

    /// What is left of this user's proofs where an earlier version of it is replaced: an address that changes was never
    /// proven, unless the new one is said to be for the first time.
    #[must_use]
    pub fn replacing(mut self, previous: &Self) -> Self {
        let is_other = |name: &String| self.attributes.get(name) != previous.attributes.get(name);
        self.verified.retain(|name| !(previous.verified.contains(name) && is_other(name)));
        self
    }

    /// The attribute's text, or nothing when it is absent or not a text.
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).and_then(serde_json::Value::as_str)
    }

    /// Whether the attribute's value was proven to be under the user's control.
    pub fn has_proven(&self, attribute: &str) -> bool {
        self.verified.iter().any(|verified| verified == attribute)
    }

    /// Whether an attribute that is no address reads as one, and the user has not shown that it is theirs: it may be that of
    /// somebody who has no account. `addresses` are the attributes that are addresses; where there are none, nobody is
    /// found by another attribute than this.
    pub fn may_have_anothers_address(&self, attribute: &str, addresses: &[String]) -> bool {
        let is_address = |name: &str| addresses.iter().any(|address| address == name);
        let mut own = addresses.iter().filter_map(|name| self.text(name));
        let named = self.text(attribute).filter(|text| reads_as_address(text));
        !addresses.is_empty()
            && !is_address(attribute)
            && !self.has_proven(attribute)
            && named.is_some_and(|text| !own.any(|own| is_same(own, text)))
    }

    /// The user whom a finished sign-up makes of a reservation, with the addresses that it has proven.
    #[must_use]
    pub fn confirmed(mut self, proven: &[String]) -> Self {
        self.reserved = None;
        let is_proven = |name: &String| {
            self.text(name).is_some_and(|value| proven.iter().any(|address| is_same(address, value)))
        };
        let is_new = |name: &&String| is_proven(name) && !self.verified.contains(name);
        let verified: Vec<String> = self.attributes.keys().filter(is_new).cloned().collect();
        self.verified.extend(verified);
        self
    }
}

/// Whether a user may take part in journeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserState {
    /// May sign in.
    Active,
    /// Was locked by an administrator or a journey; every journey of the user stops at the next step (J-15).
    Locked,
}

//! Names of accounts that somebody should look at: those that several accounts have, such as from before names had one
//! form or from before an attribute was unique; addresses that nobody can have by today's rule, or that may be somebody
//! else's; and names that may be taken for others. Accounts that share a name are never merged, and none of them is found
//! by it.
//!
//! The index leads to them, so that a store of any size is looked at page by page.

use std::collections::BTreeMap;

use idflow_core::digest::Digest;
use idflow_core::id::UserId;
use idflow_core::name::{address, canonical, mixes_scripts};
use idflow_core::time::Timestamp;
use idflow_core::user::User;
use serde::{Deserialize, Serialize};

use crate::read::Wanted;
use crate::record::user_index::{UserIndex, ids};
use crate::record::{self, Numbered as _};
use crate::{Store, StoreError};

/// How many index entries are looked at at once.
const PAGE: usize = 500;

/// What is doubtful about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Doubt {
    /// Several users have it.
    Shared,
    /// It should be an address, and nobody can have such a one.
    NoAddress,
    /// It is no address attribute and reads as an address, and the user has not shown that it is theirs.
    AnothersAddress,
    /// It mixes letters of scripts that are not written together (UTS 39), and may be taken for another.
    MixedScripts,
}

/// A name that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoubtfulName {
    /// Why.
    pub doubt: Doubt,
    /// The `Directory`.
    pub directory: String,
    /// The attribute.
    pub attribute: String,
    /// The one form that the values have.
    pub name: String,
    /// The users, by their id, each with the value as it is stored.
    pub users: BTreeMap<UserId, String>,
}

/// The doubtful names among some of the index's entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoubtfulNames {
    /// Them.
    pub found: Vec<DoubtfulName>,
    /// Where the next page begins, while there is one.
    pub next: Option<Digest>,
}

/// What an attribute is to its Directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// No two users should share a value.
    Unique {
        /// Where users are found by it, the attributes beside it that are mail addresses.
        beside: Vec<String>,
    },
    /// Nor that, and every value is a mail address.
    Addresses,
}

impl Store {
    /// One page of the doubtful names of the attributes that are said to be unique, by Directory and attribute. `after`
    /// is what the page before says comes next.
    pub async fn doubtful_names(
        &self,
        now: Timestamp,
        after: Option<Digest>,
        is: impl Fn(&str, &str) -> Option<Names>,
    ) -> Result<DoubtfulNames, StoreError> {
        let after = after.as_ref().map(|after| &after.as_bytes()[..]);
        let (records, more) = self.list(UserIndex::KIND, after, PAGE).await?;
        let mut entries: Vec<(&[u8], UserIndex)> = Vec::with_capacity(records.len());
        for (id, stored) in &records {
            entries.push((id, record::open(self.keyring(), id, stored)?));
        }
        let holders = entries.iter().flat_map(|(_, entry)| entry.holders());
        let wanted: Vec<Wanted> = holders.map(|id| Wanted::hint(User::KIND.key(id.as_bytes()))).collect();
        let reads = self.read(now, &wanted).await?;
        let mut found = Vec::new();
        for (id, entry) in &entries {
            let mut users = Vec::new();
            for holder in entry.holders() {
                users.extend(reads.get::<User>(holder.as_bytes())?);
            }
            users.retain(|user| user.reserved.is_none() && self.leads_to(id, entry, user));
            if let Some(names) = users.first().and_then(|user| is(&user.directory, &entry.attribute)) {
                found.extend(doubts(&names, &entry.attribute, &users));
            }
        }
        let last = records.last().filter(|_| more);
        let next = last.and_then(|(id, _)| <[u8; 32]>::try_from(id.as_slice()).ok()).map(Digest::from_bytes);
        Ok(DoubtfulNames { found, next })
    }

    /// Whether the user has the value that an entry stands for, and has not left it behind.
    fn leads_to(&self, id: &[u8], entry: &UserIndex, user: &User) -> bool {
        let text = user.text(&entry.attribute).unwrap_or_default();
        ids(self.keyring(), &user.directory, &entry.attribute, text).iter().any(|known| known == id)
    }
}

/// What is doubtful about the name that these users have.
fn doubts(names: &Names, attribute: &str, users: &[&User]) -> Vec<DoubtfulName> {
    let value = |user: &User| user.text(attribute).unwrap_or_default().to_owned();
    let values: BTreeMap<UserId, String> = users.iter().map(|user| (user.id, value(user))).collect();
    let Some(first) = users.first() else { return Vec::new() };
    let is_unmailable = |text: &String| *names == Names::Addresses && address(text).is_none();
    let is_anothers = |user: &&User| match names {
        Names::Unique { beside } => user.may_have_anothers_address(attribute, beside),
        Names::Addresses => false,
    };
    let doubts = [
        (Doubt::Shared, users.len() > 1),
        (Doubt::NoAddress, values.values().any(is_unmailable)),
        (Doubt::AnothersAddress, users.iter().any(is_anothers)),
        (Doubt::MixedScripts, values.values().any(|text| mixes_scripts(text))),
    ];
    let held = doubts.into_iter().filter(|(_, holds)| *holds).map(|(doubt, _)| DoubtfulName {
        doubt,
        directory: first.directory.clone(),
        attribute: attribute.to_owned(),
        name: canonical(&value(first)),
        users: values.clone(),
    });
    held.collect()
}

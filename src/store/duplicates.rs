//! Accounts that meet in one form of a name, such as from before names had this form, or from before an attribute was
//! unique. They are never merged, and none of them is found by that name: somebody has to change them.

use std::collections::BTreeMap;

use idflow_core::id::UserId;
use idflow_core::name::canonical;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// How many users are read at once.
const PAGE: usize = 500;

/// Users of a directory whose values of an attribute are one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Duplicate {
    /// The `Directory`.
    pub directory: String,
    /// The attribute that should be unique.
    pub attribute: String,
    /// The one form that the values have.
    pub name: String,
    /// The users, by their id, each with the value as it is stored.
    pub users: BTreeMap<UserId, String>,
}

impl Store {
    /// Every name of these attributes that more than one user of the directory has.
    pub async fn duplicates(
        &self,
        directory: &str,
        attributes: &[String],
    ) -> Result<Vec<Duplicate>, StoreError> {
        let mut names: BTreeMap<(String, String), BTreeMap<UserId, String>> = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self.users(directory, after, PAGE).await?;
            for user in &page.users {
                for (attribute, value) in attributes.iter().filter_map(|name| Some((name, user.text(name)?)))
                {
                    let name = (attribute.clone(), canonical(value));
                    names.entry(name).or_default().insert(user.id, value.to_owned());
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let shared = names.into_iter().filter(|((_, name), users)| !name.is_empty() && users.len() > 1);
        let duplicate = |((attribute, name), users)| Duplicate {
            directory: directory.to_owned(),
            attribute,
            name,
            users,
        };
        Ok(shared.map(duplicate).collect())
    }
}

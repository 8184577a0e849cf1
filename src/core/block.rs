//! Off switches: marks in the store that stop somebody or something within a second, with the API server down or not
//! (design 10).

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{SessionId, UserId};

/// What can be switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BlockTarget {
    /// A person: journeys, sessions and tokens.
    User(UserId),
    /// An application by its client identifier: its journeys and everything it holds.
    Client(String),
    /// One signed-in browser and what applications got from it; also set when it signs out.
    Session(SessionId),
    /// A revision of a flow: no journey begins or goes on with it.
    Revision(Digest),
}

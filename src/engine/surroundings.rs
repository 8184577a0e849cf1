//! What a request brings along beside what was posted.

use idflow_core::Data;
use idflow_core::counter::CounterKey;
use idflow_core::id::{SessionId, UserId};

/// A session of the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Which.
    pub session: SessionId,
    /// What its user is called on pages; nothing for a guest.
    pub identifier: Option<String>,
}

/// Trusted facts from outside the journey, gathered anew for every request and never stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Surroundings {
    /// The network that limits count by (checklist J-17): of what the client can hardly change; nothing when no trusted
    /// address is known.
    pub network: Option<String>,
    /// What expressions read as `request`.
    pub request: Data,
    /// What expressions read as `client`: the application that asked.
    pub client: Data,
    /// The browser's session, if there is one and the flow reads it: whose it is, and its attributes.
    pub session: Option<(Option<UserId>, Data)>,
    /// The session that the visitor can sign out of, if there is one and the flow signs out.
    pub signed_in: Option<SignedIn>,
    /// What the browser shows to be known by: devices that somebody may have signed in with.
    pub devices: Vec<String>,
    /// Whether a name was somebody else's when this request was decided before and could not be committed.
    pub taken: bool,
    /// Counters that were full when this request was decided before and could not be committed.
    pub full: Vec<CounterKey>,
}

//! The journey's record: where a journey is, not how it got there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::evidence::Evidence;
use crate::grant::AuthorizationRequest;
use crate::id::{Attempt, JourneyId, SessionId, StepInstance, UserId};
use crate::session::EndSessionRequest;
use crate::time::{Span, Timestamp};
use crate::user::User;
use crate::view::View;
use crate::{Data, Value};

/// The codec format that this program writes. Numbers are never reused.
pub const FORMAT: u16 = 1;

/// One run through a pinned revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journey {
    /// The codec format it was written in.
    pub format: u16,
    /// Numbered behaviours switched on when the journey began; a pinned flow does not pin the interpreter.
    pub flags: u32,
    /// Its identity.
    pub id: JourneyId,
    /// The flow's name, for logs and starting again. The digest decides what runs.
    pub flow: String,
    /// The revision it began with and ends with.
    pub digest: Digest,
    /// When it began.
    pub started: Timestamp,
    /// When it ends whatever happens.
    pub deadline: Timestamp,
    /// What started it and gets its result.
    pub purpose: Purpose,
    /// Who may continue it.
    pub binding: Binding,
    /// The visitor's locale (BCP 47).
    pub locale: Option<String>,
    /// The call stack: the flow itself, then library flows and nodes entered and not yet left. Never empty.
    pub frames: Vec<Frame>,
    /// The identified user.
    pub user: Option<UserId>,
    /// The user's epoch when they were identified; the store writes it. Another one now ends the journey. Absent in
    /// records of programs that did not know it: they take on the epoch of their next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// What expressions read as `user`: the identified user's attributes at the last look.
    #[serde(default)]
    pub user_data: Data,
    /// Which of them the user has proven to control.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verified: Vec<String>,
    /// What was proven, in order.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// What the journey waits for.
    pub phase: Phase,
    /// The id of the step that could not do its work last, for `flow.error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How many step instances were entered; bounds loops (checklist J-21).
    pub instances: u32,
    /// Digests of answered form tokens, newest last: the same post twice gives the same answer (J-4).
    #[serde(default)]
    pub answered: Vec<Digest>,
    /// Pages that `back` may return to, newest last.
    #[serde(default)]
    pub visited: Vec<Visit>,
    /// What the visitor was called on a page that kept no values, to be shown again where one asks who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<String>,
}

/// How long an open journey is remembered beyond its deadline, so that whoever comes back late can begin anew.
const REMEMBERED: Span = Span::hours(1);

impl Journey {
    /// From when on nothing is known of it.
    pub fn forgotten(&self) -> Timestamp {
        match self.phase {
            Phase::ExpectSubmission(_) => self.deadline.plus(REMEMBERED),
            Phase::Ended(_) => self.deadline,
        }
    }

    /// Takes on what was read of the identified user.
    pub fn look_at(&mut self, user: &User) {
        self.user_data = user.data();
        self.verified.clone_from(&user.verified);
    }

    /// Forgets what was read of the identified user.
    pub fn forget_user(&mut self) {
        self.user_data.clear();
        self.verified.clear();
    }
}

/// The last post that moved a journey: whoever sends the very same again has missed its answer. A record of its own,
/// because it is erased after seconds and the journey is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastPost {
    /// What only who has the same cookie and sends the same fields and form token can prove. Nothing of them can be
    /// found out from it without the cookie and the tenant's key.
    pub proof: Digest,
    /// Until when it is answered again.
    pub until: Timestamp,
}

/// What started a journey and gets its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// An application's authorization request.
    Authorize(Box<AuthorizationRequest>),
    /// A request to sign out.
    EndSession(Box<EndSessionRequest>),
    /// Somebody opened the flow's address.
    Standalone {
        /// The query parameters it was opened with: `flow.query`.
        query: BTreeMap<String, String>,
    },
}

impl Purpose {
    /// The application that asked, where one did.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::Authorize(request) => Some(&request.client_id),
            Self::EndSession(request) => request.client_id.as_deref(),
            Self::Standalone { .. } => None,
        }
    }
}

/// Who may continue a journey. Browser and JSON journeys are never mixed (design 9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// By cookie, or by a secret returned once.
    pub channel: Channel,
    /// The digest of the current secret.
    pub secret: Digest,
    /// How often the secret was changed: at every rise of assurance (checklist J-8).
    pub rotation: u32,
}

/// How the journey's secret travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Channel {
    /// A cookie of the browser that began.
    Browser,
    /// A secret returned once to a JSON client.
    Json,
}

/// One flow or node on the call stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Frame {
    /// Which graph of the program.
    pub graph: u16,
    /// The step that is running in it: the caller's `call` or `node` step while a deeper frame exists.
    pub step: u16,
    /// What the caller passed: `input`.
    #[serde(default)]
    pub input: Data,
    /// The latest value of every form field: `form`.
    #[serde(default)]
    pub form: Data,
    /// Outputs by step id: `steps`.
    #[serde(default)]
    pub steps: Data,
    /// What `set` wrote: `vars`.
    #[serde(default)]
    pub vars: Data,
    /// What `set` keeps for the session, whichever frame it ran in: only the outermost one has any.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub session: Data,
}

/// What a journey waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// A post of the shown page.
    ExpectSubmission(Box<Expected>),
    /// Nothing: it is over.
    Ended(Ending),
}

/// The page that is shown and the post that may answer it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// Which visit of the step.
    pub instance: StepInstance,
    /// Which showing.
    pub attempt: Attempt,
    /// The anti-forgery token of this showing (128 random bits or more).
    pub token: String,
    /// The node's own state.
    pub state: Value,
    /// What is shown.
    pub view: View,
    /// Whether `back` leads somewhere.
    pub can_go_back: bool,
    /// Before when a post of it is not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_until: Option<Timestamp>,
}

/// A page that `back` may return to, with the call stack as it stood on entering and the form values that were given
/// on the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Visit {
    /// Evidence from this instance on is dropped when the visitor goes back.
    pub instance: StepInstance,
    /// The whole stack, in the oldest visit; empty in the others.
    #[serde(default)]
    pub frames: Vec<Frame>,
    /// What differs from the visit before, frame by frame; absent in the oldest visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Vec<FrameChange>>,
}

/// How a frame differs from the one at the same depth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct FrameChange {
    /// The graph and the step it stands at now.
    pub at: (u16, u16),
    /// Changes of `input`.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub input: Changes,
    /// Changes of `form`.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub form: Changes,
    /// Changes of `steps`.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub steps: Changes,
    /// Changes of `vars`.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub vars: Changes,
    /// Changes of what is kept for the session.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub session: Changes,
}

/// How named values differ from earlier ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// New and changed values.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub set: Data,
    /// Names that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

impl Changes {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }
}

/// How a journey ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    /// It reached `complete`.
    Completed {
        /// When.
        at: Timestamp,
        /// The session it opened, if its type opens one.
        session: Option<SessionId>,
        /// Where an application's request is answered: the redirect without its secret parts is never stored;
        /// the executor derives the code again from its key and the journey's id.
        outcome: Completion,
    },
    /// It reached `fail`, or an error had no wire.
    Failed {
        /// When.
        at: Timestamp,
        /// A stable code: `failed`, `cancelled`, `locked`, `error`, `withdrawn`, `userLocked`, `standingEnded`,
        /// `tooLarge`.
        code: String,
        /// What the last page says.
        view: Box<View>,
    },
}

/// What `complete` leads to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Completion {
    /// Back to the application that asked.
    Application,
    /// The flow's own last page.
    Page(Box<View>),
}

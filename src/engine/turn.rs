//! The contract between the engine and a node: an event in, a turn out, no I/O.

use idflow_core::Data;
use idflow_core::counter::CounterStep;
use idflow_core::effect::{Answer, Ask, Mail, Submission};
use idflow_core::user::User;
use idflow_core::view::View;
use idflow_core::write::Write;

/// What happened to a step.
#[derive(Debug)]
pub enum Event {
    /// The journey came to the step.
    Entered,
    /// The visitor posted the page that the step showed. `back` and `cancel` never arrive here.
    Submitted(Submission),
    /// The ask of the last turn was answered.
    Answered(Answer),
}

/// What a step wants next.
#[derive(Debug)]
pub enum Turn {
    /// Show a page and wait for a post.
    Show(Box<View>),
    /// Ask, and go on with [`Event::Answered`].
    Ask(Box<Ask>),
    /// Leave the step.
    Finish(Box<Finish>),
}

/// How a step is left, and what is committed with it. What is proven by that is not for the step to say: it follows
/// from the facts of its outcome, by which the compiler has judged the flow.
#[derive(Debug, Default)]
pub struct Finish {
    /// The outcome; one of those that the plan's facts declare.
    pub outcome: String,
    /// Written to `steps.<id>`.
    pub outputs: Data,
    /// Written to `form`; null removes a value.
    pub form: Data,
    /// Written to `vars`.
    pub vars: Data,
    /// What the visitor called themselves on a page that keeps no values: shown again where a later page asks.
    pub typed: Option<String>,
    /// Kept for the session; null stands for no value.
    pub session: Data,
    /// The address that was verified, as `email:` and the address; with an outcome that proves one, and only with such.
    pub address: Option<String>,
    /// The user the journey concerns from now on. A journey that already concerns another user ends in `error`.
    pub user: Option<User>,
    /// How it came to the outcome, for the step's security event. Contains no values of the visitor.
    pub detail: Option<String>,
    /// For `call` and `node`: the callee is entered with these arguments instead of following the outcome.
    pub enter: Option<Data>,
    /// For `exit`, `complete` and `fail`.
    pub end: Option<EndTurn>,
}

impl Finish {
    /// Leaves the step by an outcome.
    pub fn by(outcome: impl Into<String>) -> Self {
        Self { outcome: outcome.into(), ..Self::default() }
    }
}

/// How a graph is left.
#[derive(Debug)]
pub enum EndTurn {
    /// The journey is complete.
    Complete(Complete),
    /// The journey failed; the view is its last page.
    Fail(Box<View>),
    /// A library flow or node is left with an outcome and outputs.
    Exit {
        /// The outcome of the calling step.
        outcome: String,
        /// The outputs of the calling step.
        outputs: Data,
    },
}

/// What `complete` wants.
#[derive(Debug)]
pub struct Complete {
    /// Whether a session without a user is meant.
    pub guest: bool,
    /// How long the session may last.
    pub session_lifetime: idflow_core::time::Span,
    /// How long the session may stay unused.
    pub session_idle: idflow_core::time::Span,
    /// The last page of a journey that no application waits for.
    pub page: Box<View>,
}

/// What a turn adds to the commit of this request, whatever the turn is: a wrong password shows a page *and*
/// counts. Collected through [`Cx`](crate::context::Cx).
#[derive(Debug, Default)]
pub struct Additions {
    /// Records written in the same batch.
    pub writes: Vec<Write>,
    /// Counter steps taken in the same batch.
    pub counters: Vec<CounterStep>,
    /// Mails sent after the commit.
    pub mails: Vec<Mail>,
    /// The sessions that end with the commit.
    pub ends: Option<EndSessions>,
}

/// Which sessions end. They are the browser's that the visitor sits at, so that only the executor knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndSessions {
    /// The one of this browser.
    Browser,
    /// All of the person: the user whom a factor of the journey has proven, or else whoever is signed in in this browser.
    Person,
}

/// A step could not do its work; it is left by `error`, or the journey fails when that is not wired.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What went wrong, for log and audit record. Contains no values of the visitor.
    pub message: String,
}

impl Fault {
    /// A fault with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

//! Signing out: what ends with a commit.

use idflow_core::Data;
use idflow_core::audit::AuditEvent;
use idflow_core::evidence::{Evidence, Proof};
use idflow_core::id::{SessionId, UserId};
use idflow_core::journey::{Ending, Journey, Phase, Purpose};
use idflow_core::session::Session;
use idflow_core::time::{Span, Timestamp};
use idflow_engine::run::Commit as Decided;
use idflow_engine::turn::EndSessions;
use idflow_store::{Commit, ReadSet};

use crate::app::{App, Unavailable};
use crate::own_session::{self, Endable};
use crate::visitor::Visitor;

/// The user whom a journey has identified, where a factor has proven in it that it is them, or the journey has made
/// them. Whoever merely types somebody's name must not sign them out.
pub(crate) fn proven(journey: &Journey) -> Option<UserId> {
    let user = journey.user?;
    let is_factor = |evidence: &Evidence| {
        evidence.user == Some(user) && matches!(evidence.proof, Proof::Factor(_) | Proof::Created)
    };
    journey.evidence.iter().any(is_factor).then_some(user)
}

/// The sessions that end.
pub(crate) struct SignOut {
    sessions: Vec<SessionId>,
    /// Whose are to end: all of them, or only those.
    user: Option<UserId>,
    is_everywhere: bool,
}

impl SignOut {
    /// One session and what came from it.
    pub(crate) fn of(session: &Session) -> Self {
        Self { sessions: vec![session.id], user: session.user, is_everywhere: false }
    }

    /// What came from a session whose record is gone.
    pub(crate) fn of_what_is_left(session: SessionId) -> Self {
        Self { sessions: vec![session], user: None, is_everywhere: false }
    }

    /// What a step ends: the sessions of the browser that its visitor sits at, and all of the user whom the journey has
    /// `proven` where it says so. Each person's end is one.
    pub(crate) async fn by_step(
        app: &App,
        visitor: &Visitor,
        which: EndSessions,
        proven: Option<UserId>,
        reads: &mut ReadSet,
    ) -> Result<Vec<Self>, Unavailable> {
        let own = own_session::to_end(app, visitor, reads).await?;
        let owner = own.first().and_then(|own| own.session.user);
        let person = proven.or(owner).filter(|_| which == EndSessions::Person);
        let is_theirs = |own: &&Endable| person.is_some() && own.session.user == person;
        let (theirs, others): (Vec<&Endable>, Vec<&Endable>) = own.iter().partition(is_theirs);
        let sessions = theirs.iter().map(|own| own.session.id).collect();
        let everywhere = person.map(|user| Self { sessions, user: Some(user), is_everywhere: true });
        Ok(others.iter().map(|own| Self::of(&own.session)).chain(everywhere).collect())
    }

    /// Adds the end to a commit, with what is told of it.
    pub(crate) fn add_to(&self, app: &App, mut commit: Commit, told: &AuditEvent) -> Commit {
        let until = marked_until(app, commit.now());
        for session in &self.sessions {
            commit = commit.end_session(*session, until);
        }
        match self.user.filter(|_| self.is_everywhere) {
            Some(user) => commit.end_sessions_of(user),
            None => commit,
        }
        .audit([told.clone()])
    }

    /// The security event, by whatever asked for it.
    pub(crate) fn event(&self, app: &App, client: Option<&str>) -> AuditEvent {
        let which = if self.is_everywhere { "everywhere" } else { "browser" };
        let event = app.event("session.ended", Some(which.to_owned()), client.map(str::to_owned));
        AuditEvent { user: self.user, ..event }
    }
}

/// How much longer than its grants the mark of an ended session is kept. A grant that was issued while the clock was
/// ahead lives on by as much.
const MARGIN: Span = Span::hours(30 * 24);

/// Until when an ended session is remembered as such.
fn marked_until(app: &App, now: Timestamp) -> Timestamp {
    now.plus(app.provider().lifetimes.grant).plus(MARGIN)
}

/// What the end of a Logout flow ends although none of its steps has said so: who completes it is told that they are
/// signed out, and a flow that breaks off keeps nobody signed in who has said yes already. Whoever has neither posted
/// anything nor shown what counts as a yes only followed a link.
pub(crate) fn implied(app: &App, decided: &Decided, is_posted: bool) -> Option<EndSessions> {
    let journey = &decided.journey;
    let is_completed = matches!(journey.phase, Phase::Ended(Ending::Completed { .. }));
    // A `fail` that a step's error leads to at once is no word of the visitor's.
    let by_error = || {
        decided
            .audit
            .iter()
            .any(|told| told.name == "step.finished" && told.outcome.as_deref() == Some("error"))
    };
    let has_broken_off = || has_broken_off(journey) || has_failed(journey) && by_error();
    let is_wanted = match &journey.purpose {
        Purpose::EndSession(request) if request.confirmed => is_completed || has_broken_off(),
        Purpose::EndSession(_) => is_completed && is_posted,
        Purpose::Standalone { .. } => is_completed && is_posted && is_logout(app, journey),
        Purpose::Authorize(_) => false,
    };
    is_wanted.then_some(EndSessions::Browser)
}

/// Whether a journey has failed by something that it could not do, rather than by what its author has it say or by the
/// visitor's own wish.
pub(crate) fn has_broken_off(journey: &Journey) -> bool {
    matches!(&journey.phase, Phase::Ended(Ending::Failed { code, .. }) if code != FAILED && code != CANCELLED)
}

/// Whether the flow that a journey went through has come to its own end without being completed: the same flow once more
/// would come there again.
pub(crate) fn has_failed(journey: &Journey) -> bool {
    matches!(&journey.phase, Phase::Ended(Ending::Failed { code, .. }) if code != CANCELLED)
}

/// How journeys end that their author or their visitor wanted to end so.
const FAILED: &str = "failed";
const CANCELLED: &str = "cancelled";

/// Whether a journey goes through a flow of type Logout.
pub(crate) fn is_logout(app: &App, journey: &Journey) -> bool {
    app.revisions.get(&journey.digest).is_some_and(|runnable| runnable.program().flow_type == "Logout")
}

/// A session that goes on.
pub(crate) struct GoesOn {
    /// Its id.
    pub(crate) id: SessionId,
    /// Its attributes, while it was alive: what the new sign-in does not set stays as it is.
    pub(crate) attributes: Data,
    /// The secret that it keeps: two tabs have finished at the same moment, and nobody knows whose answer arrives last.
    pub(crate) keeps: Option<String>,
}

/// What becomes of the sessions that a browser has.
#[derive(Default)]
pub(crate) struct Left {
    /// The session that goes on as the one which is opened: it is the same person's.
    pub(crate) goes_on: Option<GoesOn>,
    /// What ends.
    pub(crate) ends: Vec<SignOut>,
}

impl Left {
    /// Judges them by what was decided: a step may end sessions, and whoever gets another session could reach those
    /// of before no more.
    pub(crate) async fn by(
        app: &App,
        visitor: &Visitor,
        decided: &Decided,
        ends: Option<EndSessions>,
        reads: &mut ReadSet,
    ) -> Result<Self, Unavailable> {
        if let Some(which) = ends {
            let proven = proven(&decided.journey);
            let ends = SignOut::by_step(app, visitor, which, proven, reads).await?;
            return Ok(Self { goes_on: None, ends });
        }
        match &decided.opens {
            Some(opens) => {
                let sessions = own_session::to_end(app, visitor, reads).await?;
                let (configuration, now) = (app.configuration.load_full(), reads.now());
                Ok(Self::behind(opens.user, sessions, |session| configuration.is_alive(session, now)))
            }
            None => Ok(Self::default()),
        }
    }

    /// The sessions behind a new one of this user, or of a guest. One that is over hands on its id, so that what it gave
    /// ends with the new one, and nothing that anybody could decide by.
    fn behind(user: Option<UserId>, sessions: Vec<Endable>, is_alive: impl Fn(&Session) -> bool) -> Self {
        let mut left = Self::default();
        for Endable { session, on_its_way } in sessions {
            if left.goes_on.is_none() && user.is_some() && session.user == user {
                let attributes = if is_alive(&session) { session.attributes } else { Data::new() };
                left.goes_on = Some(GoesOn { id: session.id, attributes, keeps: on_its_way });
            } else {
                left.ends.push(SignOut::of(&session));
            }
        }
        left
    }
}

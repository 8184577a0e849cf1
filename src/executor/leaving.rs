//! Signing out: what ends with a commit.

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

/// The user whom a journey has identified, where a factor has proven in it that it is them. Whoever merely types
/// somebody's name must not sign them out.
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

    /// What a step ends: the sessions of the browser that its visitor sits at, or of the user whom the journey has
    /// `proven`.
    pub(crate) async fn by_step(
        app: &App,
        visitor: &Visitor,
        which: EndSessions,
        proven: Option<UserId>,
        reads: &mut ReadSet,
    ) -> Result<Self, Unavailable> {
        let sessions = own_session::to_end(app, visitor, reads).await?;
        let owner = sessions.first().and_then(|own| own.session.user);
        let is_everywhere = which == EndSessions::Person;
        let user = if is_everywhere { proven.or(owner) } else { owner };
        Ok(Self { sessions: sessions.iter().map(|own| own.session.id).collect(), user, is_everywhere })
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

    /// Whether anything ends.
    pub(crate) fn is_any(&self) -> bool {
        !self.sessions.is_empty() || (self.is_everywhere && self.user.is_some())
    }
}

/// How much longer than its grants the mark of an ended session is kept. A grant that was issued while the clock was
/// ahead lives on by as much.
const MARGIN: Span = Span::hours(30 * 24);

/// Until when an ended session is remembered as such.
fn marked_until(app: &App, now: Timestamp) -> Timestamp {
    now.plus(app.provider().lifetimes.grant).plus(MARGIN)
}

/// What a completed Logout flow ends although none of its steps has said so: who completes it is told that they are
/// signed out. Whoever has neither posted anything nor shown what counts as a yes only followed a link.
pub(crate) fn implied(app: &App, journey: &Journey, is_posted: bool) -> Option<EndSessions> {
    let is_completed = matches!(journey.phase, Phase::Ended(Ending::Completed { .. }));
    let is_wanted = match &journey.purpose {
        Purpose::EndSession(request) => request.confirmed || is_posted,
        Purpose::Standalone { .. } => is_posted && is_logout(app, journey),
        Purpose::Authorize(_) => false,
    };
    (is_completed && is_wanted).then_some(EndSessions::Browser)
}

/// Whether a journey goes through a flow of type Logout.
pub(crate) fn is_logout(app: &App, journey: &Journey) -> bool {
    app.revisions.get(&journey.digest).is_some_and(|runnable| runnable.program().flow_type == "Logout")
}

/// A session that goes on.
pub(crate) struct GoesOn {
    /// Its id.
    pub(crate) id: SessionId,
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
            let sign_out = SignOut::by_step(app, visitor, which, proven, reads).await?;
            return Ok(Self {
                goes_on: None,
                ends: Some(sign_out).filter(SignOut::is_any).into_iter().collect(),
            });
        }
        match &decided.opens {
            Some(opens) => Ok(Self::behind(opens.user, own_session::to_end(app, visitor, reads).await?)),
            None => Ok(Self::default()),
        }
    }

    /// The sessions behind a new one of this user, or of a guest.
    fn behind(user: Option<UserId>, sessions: Vec<Endable>) -> Self {
        let mut left = Self::default();
        for Endable { session, on_its_way } in sessions {
            if left.goes_on.is_none() && user.is_some() && session.user == user {
                left.goes_on = Some(GoesOn { id: session.id, keeps: on_its_way });
            } else {
                left.ends.push(SignOut::of(&session));
            }
        }
        left
    }
}

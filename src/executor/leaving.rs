//! Signing out: what ends with a commit.

use idflow_core::audit::AuditEvent;
use idflow_core::evidence::{Evidence, Proof};
use idflow_core::id::{SessionId, UserId};
use idflow_core::journey::Journey;
use idflow_core::session::Session;
use idflow_engine::turn::EndSessions;
use idflow_store::{Commit, ReadSet};

use crate::app::{App, Unavailable};
use crate::own_session;
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
    session: Option<SessionId>,
    /// Whose are to end: all of them, or only the one.
    user: Option<UserId>,
    is_everywhere: bool,
}

impl SignOut {
    /// One session and what came from it.
    pub(crate) fn of(session: &Session) -> Self {
        Self { session: Some(session.id), user: session.user, is_everywhere: false }
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
        let session = own_session::session(app, visitor, reads).await?;
        let owner = session.as_ref().and_then(|session| session.user);
        let is_everywhere = which == EndSessions::Person;
        let user = if is_everywhere { proven.or(owner) } else { owner };
        Ok(Self { session: session.map(|session| session.id), user, is_everywhere })
    }

    /// Adds the end to a commit, with what is told of it.
    pub(crate) fn add_to(&self, app: &App, mut commit: Commit, told: &AuditEvent) -> Commit {
        let until = commit.now().plus(app.provider().lifetimes.grant);
        if let Some(session) = self.session {
            commit = commit.end_session(session, until);
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
    pub(crate) const fn is_any(&self) -> bool {
        self.session.is_some() || (self.is_everywhere && self.user.is_some())
    }
}

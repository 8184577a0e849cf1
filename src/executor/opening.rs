//! What a completed journey opens: the session, and the code that answers its application.

use idflow_core::Data;
use idflow_core::audit::AuditEvent;
use idflow_core::digest::Digest;
use idflow_core::grant::{AuthorizationRequest, Grant, GrantStage};
use idflow_core::id::{JourneyId, SessionId, UserId};
use idflow_core::journey::{Ending, Journey, Phase, Purpose};
use idflow_core::secret::SecretText;
use idflow_core::session::Session;
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::User;
use idflow_core::write::Write;
use idflow_engine::run::{Commit as Decided, OpenSession};
use idflow_oidc::endpoint::authorize::{self, Answer};
use idflow_oidc::handle;
use idflow_store::{Commit, CommitError, ReadSet};

use crate::app::{App, Unavailable};
use crate::leaving::{self, GoesOn};

/// Issues the code of a journey that ended a while ago, as it would have been issued then: its session must still be
/// alive and its user's. Returns when it was issued, by us or by somebody who came at the same moment.
pub(crate) async fn issue_late(
    app: &App,
    journey: &Journey,
    request: &AuthorizationRequest,
    session: Option<SessionId>,
    reads: &mut ReadSet,
) -> Result<Option<Timestamp>, Unavailable> {
    let Some(id) = session else { return Ok(None) };
    let Some(session) = reads.session(&id).await? else { return Ok(None) };
    let Some(user) = session.user else { return Ok(None) };
    let now = reads.now();
    let is_alive = app.configuration.load().is_alive(&session, now);
    let Some(user) = reads.user(&user)?.filter(|_| is_alive) else { return Ok(None) };
    check_session(app, journey, &session, now)?;
    let secret = app.code_secret(journey.id, Some(now));
    let grant = grant(app, journey, request, &session, (&user, &secret), now)?;
    let told = AuditEvent { journey: Some(journey.id), ..app.grant_event("code.issued", &grant, None) };
    let commit = Commit::after(reads.clone()).put_grant(grant.clone()).audit([told.clone()]);
    match app.store.commit(commit).await {
        Ok(()) => {
            app.metrics.grant("code.issued");
            app.observer.audit(&told);
            Ok(Some(now))
        }
        Err(CommitError::Unavailable(error)) => Err(error.into()),
        Err(_) => {
            let stage = app.store.reads(now).grant(&grant.id).await?.map(|grant| grant.stage);
            Ok(stage.and_then(|stage| code_issued(app, &stage)))
        }
    }
}

/// When the code was issued that a grant still waits to be shown.
pub(crate) fn code_issued(app: &App, stage: &GrantStage) -> Option<Timestamp> {
    let GrantStage::Code { expires, .. } = stage else { return None };
    (app.clock.now() < *expires).then(|| expires.plus(Span(-app.provider().lifetimes.of_code().0)))
}

/// The secret of the code that a grant waits with, whichever key it was derived with.
pub(crate) fn code_of(
    app: &App,
    journey: JourneyId,
    stage: &GrantStage,
    late: Option<Timestamp>,
) -> Option<SecretText> {
    let GrantStage::Code { secret, .. } = stage else { return None };
    app.code_secrets(journey, late).find(|derived| secret.matches(&handle::digest(derived)))
}

/// What completing a journey opens.
pub(crate) struct Opened {
    /// The session.
    pub(crate) session: Session,
    /// The code, where an application waits for one.
    pub(crate) code: Option<Grant>,
    /// The secret of the session's cookie.
    pub(crate) secret: String,
}

/// The session of a journey, which may go on where the browser has one, and the code that answers its application.
pub(crate) fn open(
    app: &App,
    decided: &mut Decided,
    opens: OpenSession,
    goes_on: Option<GoesOn>,
    reads: &ReadSet,
) -> Result<Opened, Unavailable> {
    let (now, journey) = (reads.now(), &mut decided.journey);
    let (id, before, kept) = match goes_on {
        Some(GoesOn { id, attributes, keeps }) => (id, attributes, keeps),
        None => (app.session_id(journey.id), Data::new(), None),
    };
    let secret = kept.unwrap_or_else(|| app.session_secret(journey.id));
    let session = session(app, (id, before), &secret, opens, now);
    check_session(app, journey, &session, now)?;
    let mut code = None;
    if let (Purpose::Authorize(request), Some(user)) = (&journey.purpose, session.user) {
        if let Some(refusal) = authorize::declines(request, user) {
            let told = app.refused_event(Some(&request.client_id), refusal);
            decided.audit.push(of_journey(journey, told));
            set_session(journey, &session);
            return Ok(Opened { session, code, secret });
        }
        let user = user_of(reads, &decided.writes, user)?;
        let code_secret = app.code_secret(journey.id, None);
        let issued = grant(app, journey, request, &session, (&user, &code_secret), now)?;
        let told = app.grant_event("code.issued", &issued, None);
        decided.audit.push(of_journey(journey, told));
        code = Some(issued);
    }
    set_session(journey, &session);
    Ok(Opened { session, code, secret })
}

fn of_journey(journey: &Journey, told: AuditEvent) -> AuditEvent {
    AuditEvent { journey: Some(journey.id), flow: Some(journey.flow.clone()), ..told }
}

/// The session as it is stored, with the attributes that it had before and those of this journey.
fn session(
    app: &App,
    (id, before): (SessionId, Data),
    secret: &str,
    opens: OpenSession,
    now: Timestamp,
) -> Session {
    let attributes: Data = before.into_iter().chain(opens.attributes).collect();
    let lifetime = opens.lifetime.min(app.configuration.load().longest_session());
    Session {
        id,
        secret: Digest::of(secret),
        user: opens.user,
        evidence: opens.evidence,
        attributes: attributes.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        authenticated: opens.authenticated,
        expires: now.plus(lifetime),
        used: now,
        idle: opens.idle,
    }
}

/// What the policy demands of a session is judged by its evidence: its revision may not say what it proves, and the
/// policy may be stricter than when it was loaded.
fn check_session(app: &App, journey: &Journey, session: &Session, now: Timestamp) -> Result<(), Unavailable> {
    let configuration = app.configuration.load();
    match configuration.session_lacks(journey, session, &app.revisions, now) {
        None => Ok(()),
        Some(lacking) => {
            tracing::error!(journey = %journey.id, flow = journey.flow, %lacking, "no session: the policy demands more");
            Err(Unavailable)
        }
    }
}

fn set_session(journey: &mut Journey, opened: &Session) {
    if let Phase::Ended(Ending::Completed { session, .. }) = &mut journey.phase {
        *session = Some(opened.id);
    }
}

fn user_of(reads: &ReadSet, writes: &[Write], wanted: UserId) -> Result<User, Unavailable> {
    let written = writes.iter().rev().find_map(|write| match write {
        Write::CreateUser { user, .. } | Write::UpdateUser { user, .. } if user.id == wanted => {
            Some(user.clone())
        }
        _ => None,
    });
    let user = match written {
        Some(user) => user,
        None => reads.user(&wanted)?.ok_or(Unavailable)?,
    };
    Ok(writes.iter().fold(user, |known, write| match write {
        Write::ConfirmUser { user, addresses } if *user == wanted => known.confirmed(addresses),
        _ => known,
    }))
}

fn grant(
    app: &App,
    journey: &Journey,
    request: &AuthorizationRequest,
    session: &Session,
    (user, secret): (&User, &SecretText),
    now: Timestamp,
) -> Result<Grant, Unavailable> {
    let grant = app.grant_id(journey.id);
    let (flow, is_fresh) = (journey.flow.as_str(), leaving::proven(journey) == Some(user.id));
    let answer = Answer { request, session, user, flow, is_fresh, grant, secret };
    match authorize::issue(&app.provider(), &answer, now) {
        Ok(issued) => Ok(issued.grant),
        Err(refusal) => {
            tracing::error!(journey = %journey.id, refusal = refusal.name(), "a completed journey was not enough");
            Err(Unavailable)
        }
    }
}

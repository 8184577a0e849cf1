//! Who is signed in in a browser: the session that its cookie proves.

use idflow_core::Data;
use idflow_core::block::BlockTarget;
use idflow_core::digest::Digest;
use idflow_core::id::{JourneyId, SessionId, UserId};
use idflow_core::journey::{Ending, Journey, Phase};
use idflow_core::session::Session;
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::User;
use idflow_engine::bind::Runnable;
use idflow_engine::surroundings::SignedIn;
use idflow_store::{ReadSet, Wanted};

use crate::app::{App, Unavailable};
use crate::binding::{ANSWERED_AGAIN, Bound, KEPT_AFTER_END};
use crate::visitor::Visitor;

/// The browser's session with its user, when the cookie proves it and both are alive. An off switch that matters
/// besides is read along.
pub(crate) async fn person(
    app: &App,
    visitor: &Visitor,
    reads: &mut ReadSet,
    switch: Option<&BlockTarget>,
) -> Result<Option<(Session, User)>, Unavailable> {
    let configuration = app.configuration.load_full();
    for session in proven(app, visitor, reads, switch).await? {
        let lasts = configuration.is_alive(&session, reads.now());
        if let Some(user) = session.user.filter(|_| lasts) {
            return Ok(reads.user(&user)?.map(|user| (session, user)));
        }
    }
    Ok(None)
}

/// The browser's session, whatever it is worth: also a guest's, and one that is older than the Tenant allows.
pub(crate) async fn session(
    app: &App,
    visitor: &Visitor,
    reads: &mut ReadSet,
) -> Result<Option<Session>, Unavailable> {
    Ok(proven(app, visitor, reads, None).await?.into_iter().next())
}

/// A session of the browser that can be ended.
pub(crate) struct Endable {
    /// The session.
    pub(crate) session: Session,
    /// The secret of its cookie, which another tab has got a moment ago and this request could not know of.
    pub(crate) on_its_way: Option<String>,
}

/// Every session that the browser's cookies prove and that can be ended, also while its user is switched off. A session
/// that another tab has just opened, whose cookie may not have arrived, is proven by the cookie of its journey: enough
/// to end it, or to go on as the same person who has signed in once more, never to be signed in by.
pub(crate) async fn to_end(
    app: &App,
    visitor: &Visitor,
    reads: &mut ReadSet,
) -> Result<Vec<Endable>, Unavailable> {
    let shown = app.session_cookies(&visitor.headers);
    let journeys = app.cookies().journeys(&visitor.headers);
    let sessions = shown.iter().flat_map(|(id, _)| Wanted::session(id));
    let wanted: Vec<Wanted> = sessions.chain(journeys.iter().map(|(id, _)| Wanted::journey(id))).collect();
    reads.more(&wanted).await?;
    let in_cookies = shown.into_iter().map(|shown| (shown, false));
    let from_tabs = just_opened(app, &journeys, reads).into_iter().map(|opened| (opened, true));
    let mut proven: Vec<Endable> = Vec::new();
    for ((id, secret), is_on_its_way) in in_cookies.chain(from_tabs) {
        if proven.iter().any(|known| known.session.id == id) {
            continue;
        }
        let session = reads.session_to_end(&id).await?;
        let session = session.filter(|session| session.secret.matches(&Digest::of(&secret)));
        let on_its_way = is_on_its_way.then_some(secret);
        proven.extend(session.map(|session| Endable { session, on_its_way }));
    }
    Ok(proven)
}

/// The sessions that these journeys have opened, by what their cookies would show. A journey that cannot be read keeps
/// nobody from signing in or out.
fn just_opened(app: &App, journeys: &[(JourneyId, &str)], reads: &ReadSet) -> Vec<(SessionId, String)> {
    let mut opened = Vec::new();
    for (id, shown) in journeys {
        let Ok(Some(journey)) = reads.journey(id) else { continue };
        if let Phase::Ended(Ending::Completed { session: Some(session), .. }) = journey.phase
            && is_bound(app, &journey, shown, reads.now())
        {
            opened.extend(app.session_secrets(*id).map(|secret| (session, secret)));
        }
    }
    opened
}

/// Whether a cookie is that of a journey which has ended: also the one before, while its answer is on its way.
fn is_bound(app: &App, journey: &Journey, shown: &str, now: Timestamp) -> bool {
    let is_on_its_way = now < journey.deadline.plus(Span(ANSWERED_AGAIN.0 - KEPT_AFTER_END.0));
    match Bound::by(app, journey, shown) {
        Some(Bound::Current) => true,
        Some(Bound::Previous) => is_on_its_way,
        None => false,
    }
}

/// The browser's session, for a flow that reads it: whose it is, and its attributes.
pub(crate) async fn attributes(
    app: &App,
    visitor: &Visitor,
    runnable: &Runnable,
    reads: &mut ReadSet,
) -> Result<Option<(Option<UserId>, Data)>, Unavailable> {
    if !runnable.program().reads_session() {
        return Ok(None);
    }
    let signed_in = person(app, visitor, reads, None).await?;
    Ok(signed_in.map(|(session, _)| (session.user, session.attributes)))
}

/// The session that the visitor can sign out of, for a flow that does so.
pub(crate) async fn signed_in(
    app: &App,
    visitor: &Visitor,
    runnable: &Runnable,
    reads: &mut ReadSet,
) -> Result<Option<SignedIn>, Unavailable> {
    if !runnable.program().signs_out() {
        return Ok(None);
    }
    let Some(Endable { session, .. }) = to_end(app, visitor, reads).await?.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(SignedIn { session: session.id, identifier: identifier(app, &session, reads)? }))
}

/// What the user of a session is called on pages: the first identifying attribute that is a text.
pub(crate) fn identifier(
    app: &App,
    session: &Session,
    reads: &ReadSet,
) -> Result<Option<String>, Unavailable> {
    let Some(user) = session.user.map(|user| reads.user(&user)).transpose()?.flatten() else {
        return Ok(None);
    };
    let configuration = app.configuration.load();
    let names =
        configuration.directories.get(&user.directory).map_or(&[][..], |directory| &directory.identifiers);
    Ok(names.iter().find_map(|name| user.attributes.get(name)?.as_str()).map(str::to_owned))
}

/// The sessions that the browser's cookies prove, whose records are read in one round trip. A browser has one, but others
/// may have planted cookies of its name. Where there is no cookie nothing is read.
async fn proven(
    app: &App,
    visitor: &Visitor,
    reads: &mut ReadSet,
    switch: Option<&BlockTarget>,
) -> Result<Vec<Session>, Unavailable> {
    let shown = app.session_cookies(&visitor.headers);
    if !shown.is_empty() {
        let first = shown.iter().flat_map(|(id, _)| Wanted::session(id));
        let first: Vec<_> = first.chain(switch.map(Wanted::block)).collect();
        reads.more(&first).await?;
    }
    let mut proven = Vec::new();
    for (id, secret) in shown {
        let session = reads.session(&id).await?;
        proven.extend(session.filter(|session| session.secret.matches(&Digest::of(&secret))));
    }
    Ok(proven)
}

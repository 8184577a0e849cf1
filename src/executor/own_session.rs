//! Who is signed in in a browser: the session that its cookie proves.

use idflow_core::Data;
use idflow_core::block::BlockTarget;
use idflow_core::digest::Digest;
use idflow_core::id::{SessionId, UserId};
use idflow_core::session::Session;
use idflow_core::user::User;
use idflow_engine::bind::Runnable;
use idflow_store::{ReadSet, Wanted};

use crate::app::{App, Unavailable};
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

/// Every session that the browser's cookies prove and that can be ended, also while its user is switched off.
pub(crate) async fn to_end(
    app: &App,
    visitor: &Visitor,
    reads: &mut ReadSet,
) -> Result<Vec<Session>, Unavailable> {
    let mut proven = Vec::new();
    for (id, secret) in shown(app, visitor, reads, None).await? {
        let session = reads.session_to_end(&id).await?;
        proven.extend(session.filter(|session| session.secret.matches(&Digest::of(&secret))));
    }
    Ok(proven)
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

/// The sessions that the browser's cookies prove. A browser has one, but others may have planted cookies of its name.
async fn proven(
    app: &App,
    visitor: &Visitor,
    reads: &mut ReadSet,
    switch: Option<&BlockTarget>,
) -> Result<Vec<Session>, Unavailable> {
    let mut proven = Vec::new();
    for (id, secret) in shown(app, visitor, reads, switch).await? {
        let session = reads.session(&id).await?;
        proven.extend(session.filter(|session| session.secret.matches(&Digest::of(&secret))));
    }
    Ok(proven)
}

/// The ids and secrets that the browser's cookies show, whose records are read in one round trip. Where there is no
/// cookie nothing is read.
async fn shown(
    app: &App,
    visitor: &Visitor,
    reads: &mut ReadSet,
    switch: Option<&BlockTarget>,
) -> Result<Vec<(SessionId, String)>, Unavailable> {
    let shown = app.session_cookies(&visitor.headers);
    if !shown.is_empty() {
        let first = shown.iter().flat_map(|(id, _)| Wanted::session(id));
        let first: Vec<_> = first.chain(switch.map(Wanted::block)).collect();
        reads.more(&first).await?;
    }
    Ok(shown)
}

//! Drives the engine: performs its asks, commits its decision in one batch, and only then lets the reply out.
//!
//! ```text
//!   record ─▶ engine ─ ask ─▶ reads, pool, outside ─ answer ─▶ engine ─▶ commit after the reads ─▶ store ─▶ mails, reply
//!                                                                          │ conflict: read again, run again
//! ```

use std::sync::Arc;

use idflow_core::Data;
use idflow_core::counter::{CounterKey, CounterStep};
use idflow_core::digest::Digest;
use idflow_core::grant::{AuthorizationRequest, GrantStage};
use idflow_core::id::{JourneyId, SessionId, UserId};
use idflow_core::journey::{Binding, Channel, Ending, Journey, LastPost, Phase, Purpose};
use idflow_core::secret::SecretText;
use idflow_core::session::Session;
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::User;
use idflow_core::write::Write;
use idflow_engine::bind::Runnable;
use idflow_engine::run::{Commit as Decided, Input, Next, OpenSession, Refusal, Run, Start};
use idflow_engine::surroundings::Surroundings;
use idflow_oidc::endpoint::authorize::{self, Answer};
use idflow_store::{Commit, CommitError, ReadSet, Wanted};

use crate::app::{App, Unavailable};
use crate::configuration::ServedFlow;
use crate::devices::Device;
use crate::metrics::{EndKind, StepResult};
use crate::signed_in::SignedIn;
use crate::switches::Switches;
use crate::visitor::Visitor;

/// How often a step is decided when somebody else is first each time. Far more than people or their tabs can cause.
const TRIES: u32 = 16;

/// How long a journey that ended is kept, so that its last page can be shown again.
const KEPT_AFTER_END: Span = Span::minutes(10);

/// What became of a request to a journey.
pub enum Driven {
    /// The step was committed. The browser gets these cookies' values.
    Moved(Box<Moved>),
    /// Nothing changed.
    Refused(Refusal),
    /// The revision is not held, or may not run any more, or the application is switched off.
    Withdrawn,
}

/// A committed step.
pub struct Moved {
    /// The journey as committed.
    pub journey: Journey,
    /// The new value of the journey's cookie, when assurance rose.
    pub binding: Option<String>,
    /// The session that was opened: cookie value and lifetime.
    pub session: Option<(String, Span)>,
    /// By what the browser is known from now on.
    pub device: Option<Device>,
}

/// Begins a journey on the revision that the weights choose.
pub async fn start(
    app: &App,
    visitor: &Visitor,
    flow: &ServedFlow,
    purpose: Purpose,
    channel: Channel,
) -> Result<Driven, Unavailable> {
    let id = JourneyId::random(app.chance.as_ref());
    let runnable = chosen(app, flow, id).await.ok_or(Unavailable)?;
    let secret = app.binding_secret(id, 0);
    let visitor = &visitor.beginning(app, &runnable, &purpose);
    let mut start = Start {
        id,
        binding: Binding { channel, secret: Digest::of(&secret), rotation: 0 },
        context: surroundings(app, visitor, &purpose),
        locale: Some(visitor.locale.tag().to_owned()),
        purpose,
    };
    for number in 0..TRIES {
        let mut reads = app.store.reads(app.clock.now());
        let switches = Switches::of(runnable.program().digest, &start.purpose, number);
        let run = Run::start(&runnable, start.clone(), reads.now(), app.chance.as_ref());
        let decided = match settle(app, run, &mut reads, &switches).await? {
            Settled::Refused(refusal) => return Ok(Driven::Refused(refusal)),
            Settled::Blocked => return Ok(Driven::Withdrawn),
            Settled::Decided(decided) => decided,
        };
        match commit(app, decided, reads, None, &start.context.devices).await? {
            Ok(mut moved) => {
                app.metrics.step(StepResult::Started);
                moved.binding = moved.binding.or(Some(secret));
                return Ok(Driven::Moved(Box::new(moved)));
            }
            Err(Changed::Full(counter)) => start.context.full.push(counter),
            Err(Changed::Reads | Changed::Taken) => {}
        }
    }
    Err(Unavailable)
}

/// The revision of a new journey. Where none of those with weight is held here, they are looked for once.
async fn chosen(app: &App, flow: &ServedFlow, id: JourneyId) -> Option<Arc<Runnable>> {
    let choose = || flow.choose(id.as_bytes(), |digest| app.can_run(digest));
    if let (None, Some(fetch)) = (choose(), &app.fetch) {
        for (digest, _) in flow.revisions.iter().filter(|(_, weight)| *weight > 0) {
            fetch.fetch(*digest, &app.revisions).await;
        }
    }
    app.revisions.get(&choose()?)
}

/// How long a post is answered again. A double click sends the same form twice before the first answer has arrived, and
/// an answer may be lost on its way when a process dies.
const ANSWERED_AGAIN: Span = Span::seconds(15);

/// A post, and what tells it from every other (see [`App::post_proof`]).
pub struct Post {
    /// What was entered.
    pub input: Input,
    /// Whoever sends the same again has the same proof.
    pub proof: Digest,
}

/// Continues a journey with a post, from the reads that it was loaded with. Whoever calls has checked that the
/// visitor is bound to it.
pub async fn resume(
    app: &App,
    visitor: &Visitor,
    id: JourneyId,
    mut reads: ReadSet,
    post: &Post,
) -> Result<Driven, Unavailable> {
    let (mut was_taken, mut full) = (false, Vec::new());
    for number in 0..TRIES {
        let Some(mut journey) = reads.journey(&id)? else { return Ok(Driven::Refused(Refusal::Expired)) };
        journey.locale = Some(visitor.locale.tag().to_owned());
        let Some(runnable) = runnable(app, &journey).await? else { return Ok(Driven::Withdrawn) };
        let switches = Switches::of(journey.digest, &journey.purpose, number);
        let context = Surroundings { full: full.clone(), ..surroundings(app, visitor, &journey.purpose) };
        let devices = context.devices.clone();
        let run =
            Run::resume(&runnable, journey, post.input.clone(), context, reads.now(), app.chance.as_ref());
        let decided = match settle(app, run, &mut reads, &switches).await? {
            Settled::Blocked => return Ok(Driven::Withdrawn),
            Settled::Refused(refusal) => {
                app.metrics.step(StepResult::Refused);
                return Ok(Driven::Refused(refusal));
            }
            Settled::Decided(decided) => decided,
        };
        let last = LastPost { proof: post.proof, until: reads.now().plus(ANSWERED_AGAIN) };
        match commit(app, decided, reads, Some(last), &devices).await? {
            Ok(moved) => {
                app.metrics.step(StepResult::Moved);
                return Ok(Driven::Moved(Box::new(moved)));
            }
            // The revision is older than the attribute's uniqueness and does not look for whoever has the value.
            Err(Changed::Taken) if was_taken => return Ok(Driven::Withdrawn),
            Err(Changed::Taken) => was_taken = true,
            Err(Changed::Full(counter)) => full.push(counter),
            Err(Changed::Reads) => was_taken = false,
        }
        // Somebody else was first: with the new state the same post has another meaning, or none.
        reads = app.store.read(app.clock.now(), &[Wanted::journey(&id)]).await?;
    }
    Err(Unavailable)
}

/// Issues the code of a journey that ended a while ago, as it would have been issued then: its session must still be
/// alive and its user's. Returns when it was issued, by us or by somebody who came at the same moment.
pub async fn issue_late(
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
    match app.store.commit(Commit::after(reads.clone()).put_grant(grant.clone())).await {
        Ok(()) => {
            app.audit_grant("code.issued", &grant, None);
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
pub fn code_issued(app: &App, stage: &GrantStage) -> Option<Timestamp> {
    let GrantStage::Code { expires, .. } = stage else { return None };
    (app.clock.now() < *expires).then(|| expires.plus(Span(-app.provider().lifetimes.of_code().0)))
}

/// Whether a journey may not go on whatever is posted: its revision may not run, or the application that asked may not
/// be answered any more (checklist J-15).
pub fn is_barred(app: &App, journey: &Journey) -> bool {
    app.is_stopped(&journey.digest) || !app.still_wanted(&journey.purpose)
}

/// The program of a journey's own revision; nothing when the journey may not go on. One that is not held here is
/// looked for once, and never replaced by another (design 2).
async fn runnable(app: &App, journey: &Journey) -> Result<Option<Arc<Runnable>>, Unavailable> {
    let digest = journey.digest;
    if let Some(fetch) = app.fetch.as_ref().filter(|_| app.revisions.get(&digest).is_none()) {
        fetch.fetch(digest, &app.revisions).await;
    }
    if is_barred(app, journey) {
        return Ok(None);
    }
    app.revisions.get(&digest).map(Some).ok_or(Unavailable)
}

enum Settled {
    Decided(Box<Decided>),
    Refused(Refusal),
    /// Something that the step stands on was switched off.
    Blocked,
}

/// Runs to a decision. The switches are read together with what the first ask wants, and judged before anything is
/// answered or done; by the commit alone where the step asks nothing.
async fn settle(
    app: &App,
    mut run: Run<'_>,
    reads: &mut ReadSet,
    switches: &Switches,
) -> Result<Settled, Unavailable> {
    app.metrics.decisions.inc();
    let mut has_asked = false;
    loop {
        match run.next() {
            Next::Ask(pending) => {
                let looks = app.asks.looks(&pending);
                if !has_asked {
                    let marks: Vec<Wanted> = switches.wanted().collect();
                    reads.more(marks.iter().chain(looks.wanted())).await?;
                    if switches.is_any_off(reads)? {
                        return Ok(Settled::Blocked);
                    }
                    has_asked = true;
                }
                let configuration = app.configuration.load_full();
                run.answer(app.asks.perform(&pending, &looks, &configuration, reads).await);
            }
            Next::Done(decided) => {
                let is_off = !has_asked && switches.is_any_off_or_assume(reads).await?;
                return Ok(if is_off { Settled::Blocked } else { Settled::Decided(decided) });
            }
            Next::Refused(refusal) => return Ok(Settled::Refused(refusal)),
        }
    }
}

/// Why a decision was not committed.
enum Changed {
    /// Something it rests on is not as it was read.
    Reads,
    /// Somebody has a value that must be unique.
    Taken,
    /// Nothing more may be counted.
    Full(CounterKey),
}

async fn commit(
    app: &App,
    mut decided: Box<Decided>,
    reads: ReadSet,
    post: Option<LastPost>,
    devices: &[String],
) -> Result<Result<Moved, Changed>, Unavailable> {
    let now = reads.now();
    let journey = &mut decided.journey;
    let (mut binding, mut cookie, mut opened) = (None, None, None);
    if decided.assurance_rose {
        let rotation = journey.binding.rotation + 1;
        let secret = app.binding_secret(journey.id, rotation);
        journey.binding = Binding { rotation, secret: Digest::of(&secret), ..journey.binding };
        binding = Some(secret);
    }
    if let Some(opens) = decided.opens.take() {
        let secret = app.session_secret(journey.id);
        let session = session(app, journey.id, &secret, opens, now);
        check_session(app, journey, &session, now)?;
        let mut code = None;
        if let (Purpose::Authorize(request), Some(user)) = (&journey.purpose, session.user) {
            let user = user_of(&reads, &decided.writes, user)?;
            let secret = app.code_secret(journey.id, None);
            code = Some(grant(app, journey, request, &session, (&user, &secret), now)?);
        }
        cookie = Some((format!("{}.{secret}", session.id), session.expires.since(now)));
        set_session(journey, &session);
        opened = Some((session, code));
    }
    if matches!(journey.phase, Phase::Ended(_)) {
        journey.deadline = now.plus(KEPT_AFTER_END);
    }
    let signed_in = SignedIn::by(journey, &decided.writes, &reads);
    let mut batch = Commit::after(reads)
        .put_journey(journey.clone())
        .writes(by_live_directories(app, std::mem::take(&mut decided.writes)))
        .counters(counted(app, &mut decided))
        .audit(decided.audit.clone());
    if let Some(post) = post {
        batch = batch.put_last_post(&decided.journey.id, &post);
    }
    if let Some((session, code)) = opened {
        batch = code.into_iter().fold(batch.put_session(session), Commit::put_grant);
    }
    match app.store.commit(batch).await {
        Ok(()) => {
            let journey = decided.journey.clone();
            after(app, *decided, &journey);
            let device = match signed_in {
                Some(signed_in) => signed_in.device(app, &journey, devices).await,
                None => None,
            };
            Ok(Ok(Moved { journey, binding, session: cookie, device }))
        }
        Err(CommitError::Unavailable(error)) => Err(error.into()),
        Err(CommitError::Taken { .. }) => Ok(Err(Changed::Taken)),
        Err(CommitError::CounterFull(counter)) => Ok(Err(Changed::Full(counter))),
        Err(CommitError::Conflict) => Ok(Err(Changed::Reads)),
    }
}

/// The counter steps of a commit.
fn counted(app: &App, decided: &mut Decided) -> Vec<CounterStep> {
    let steps = std::mem::take(&mut decided.counters);
    if app.unlimited { steps.into_iter().map(CounterStep::lifted).collect() } else { steps }
}

/// What identifies a user is the live Directory's word, not the pinned revision's: an attribute that has become unique
/// since is one for every journey.
fn by_live_directories(app: &App, mut writes: Vec<Write>) -> Vec<Write> {
    let configuration = app.configuration.load();
    for write in &mut writes {
        if let Write::CreateUser { user, unique } | Write::UpdateUser { user, unique, .. } = write
            && let Some(directory) = configuration.directories.get(&user.directory)
        {
            unique.clone_from(&directory.unique);
        }
    }
    writes
}

/// What may happen only once the step is stored.
fn after(app: &App, decided: Decided, journey: &Journey) {
    for event in &decided.audit {
        app.observer.audit(event);
    }
    for fault in &decided.faults {
        let (graph, step, problem) = (&fault.graph, &fault.step, &fault.fault);
        tracing::warn!(journey = %journey.id, graph, step, %problem, "a step could not do its work");
    }
    for mail in decided.committed() {
        app.mails.send(mail);
    }
    match &journey.phase {
        Phase::Ended(Ending::Completed { .. }) => app.metrics.ended(EndKind::Completed),
        Phase::Ended(Ending::Failed { .. }) => app.metrics.ended(EndKind::Failed),
        Phase::ExpectSubmission(_) => {}
    }
}

/// Trusted facts about this request.
fn surroundings(app: &App, visitor: &Visitor, purpose: &Purpose) -> Surroundings {
    let mut request = Data::new();
    request.insert("locale".to_owned(), visitor.locale.tag().into());
    if let Some(address) = &visitor.address {
        request.insert("address".to_owned(), address.clone().into());
    }
    let mut client = Data::new();
    if let Purpose::Authorize(asked) = purpose {
        client.insert("id".to_owned(), asked.client_id.clone().into());
        if let Some(known) = app.client(&asked.client_id) {
            client.insert("name".to_owned(), known.name.clone().into());
        }
    }
    Surroundings {
        address: visitor.address.clone(),
        request,
        client,
        session: Data::new(),
        devices: app.cookies().devices(&visitor.headers),
        full: Vec::new(),
    }
}

fn session(app: &App, journey: JourneyId, secret: &str, opens: OpenSession, now: Timestamp) -> Session {
    let lifetime = opens.lifetime.min(app.configuration.load().longest_session());
    Session {
        id: app.session_id(journey),
        secret: Digest::of(secret),
        user: opens.user,
        evidence: opens.evidence,
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
    let written = writes.iter().find_map(|write| match write {
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
) -> Result<idflow_core::grant::Grant, Unavailable> {
    let grant = app.grant_id(journey.id);
    let (flow, asked) = (journey.flow.as_str(), journey.started);
    let answer = Answer { request, session, user, flow, asked, grant, secret };
    match authorize::issue(&app.provider(), &answer, now) {
        Ok(issued) => Ok(issued.grant),
        Err(refusal) => {
            tracing::error!(journey = %journey.id, refusal = refusal.name(), "a completed journey was not enough");
            Err(Unavailable)
        }
    }
}

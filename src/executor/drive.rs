//! Drives the engine: performs its asks, commits its decision in one batch, and only then lets the reply out.
//!
//! ```text
//!   record ─▶ engine ─ ask ─▶ reads, pool, outside ─ answer ─▶ engine ─▶ commit after the reads ─▶ store ─▶ mails, reply
//!                                                                          │ conflict: read again, run again
//! ```

use std::sync::Arc;

use idflow_core::Data;
use idflow_core::audit::AuditEvent;
use idflow_core::counter::{CounterKey, CounterStep};
use idflow_core::digest::Digest;
use idflow_core::id::JourneyId;
use idflow_core::journey::{Binding, Channel, Ending, Journey, LastPost, Phase, Purpose};
use idflow_core::time::Span;
use idflow_core::user::User;
use idflow_core::write::Write;
use idflow_engine::bind::Runnable;
use idflow_engine::run::{Commit as Decided, Input, Next, Refusal, Run, Start};
use idflow_engine::surroundings::Surroundings;
use idflow_store::{Commit, CommitError, ReadSet, Wanted};

use crate::app::{App, Unavailable};
use crate::binding::{ANSWERED_AGAIN, KEPT_AFTER_END};
use crate::configuration::ServedFlow;
use crate::devices::Device;
use crate::leaving::{self, Left};
use crate::limiter;
use crate::metrics::{EndKind, StepResult};
use crate::opening::{Opened, open};
use crate::own_session;
use crate::signed_in::SignedIn;
use crate::switches::Switches;
use crate::verified;
use crate::visitor::Visitor;

/// How often a step is decided when somebody else is first each time. Far more than people or their tabs can cause.
const TRIES: u32 = 16;

/// What became of a request to a journey.
pub enum Driven {
    /// The step was committed. The browser gets these cookies' values.
    Moved(Box<Moved>),
    /// Nothing changed.
    Refused(Refusal),
    /// The revision is not held, or may not run any more, or the application is switched off.
    Withdrawn,
    /// The flow would open a session for whoever only follows a link: it shows no page before.
    Pageless,
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
    /// Whether the browser's session has ended.
    pub signs_out: bool,
}

impl Moved {
    /// Whether the journey is over, and went as it should.
    pub fn has_completed(&self) -> bool {
        matches!(self.journey.phase, Phase::Ended(Ending::Completed { .. }))
    }
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
        start.context.session = own_session::attributes(app, visitor, &runnable, &mut reads).await?;
        start.context.signed_in = own_session::signed_in(app, visitor, &runnable, &mut reads).await?;
        let switches = Switches::of(runnable.program().digest, &start.purpose, number);
        let run = Run::start(&runnable, start.clone(), reads.now(), app.chance.as_ref());
        let decided = match settle(app, run, &mut reads, &switches).await? {
            Settled::Refused(refusal) => return Ok(Driven::Refused(refusal)),
            Settled::Blocked => return Ok(Driven::Withdrawn),
            Settled::Decided(decided) => decided,
        };
        if decided.opens.is_some() {
            let flow = decided.journey.flow;
            tracing::error!(flow, "no session by a link alone: put a page before the flow's complete");
            return Ok(Driven::Pageless);
        }
        match commit(app, visitor, decided, reads, None).await? {
            Ok(mut moved) => {
                app.metrics.step(StepResult::Started);
                moved.binding = moved.binding.or(Some(secret));
                return Ok(Driven::Moved(Box::new(moved)));
            }
            Err(Changed::Full(counter)) => start.context.full.push(counter),
            Err(Changed::Taken) => start.context.taken = true,
            Err(Changed::Reads) => {}
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
    let (mut taken, mut full) = (false, Vec::new());
    for number in 0..TRIES {
        let Some(mut journey) = reads.journey(&id)? else { return Ok(Driven::Refused(Refusal::Expired)) };
        journey.locale = Some(visitor.locale.tag().to_owned());
        let Some(runnable) = runnable(app, &journey).await? else { return Ok(Driven::Withdrawn) };
        let switches = Switches::of(journey.digest, &journey.purpose, number);
        let session = own_session::attributes(app, visitor, &runnable, &mut reads).await?;
        let signed_in = own_session::signed_in(app, visitor, &runnable, &mut reads).await?;
        let context = Surroundings {
            taken,
            full: full.clone(),
            session,
            signed_in,
            ..surroundings(app, visitor, &journey.purpose)
        };
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
        match commit(app, visitor, decided, reads, Some(last)).await? {
            Ok(moved) => {
                app.metrics.step(StepResult::Moved);
                return Ok(Driven::Moved(Box::new(moved)));
            }
            Err(Changed::Taken) => taken = true,
            Err(Changed::Full(counter)) => full.push(counter),
            Err(Changed::Reads) => {}
        }
        // Somebody else was first: with the new state the same post has another meaning, or none.
        reads = app.store.read(app.clock.now(), &[Wanted::journey(&id)]).await?;
    }
    Err(Unavailable)
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

/// Runs to a decision. The switches are read together with what the first ask wants that is not answered by the request
/// itself, and judged before anything is answered or done; by the commit alone where the step asks nothing.
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
                if !has_asked && !pending.ask.is_of_the_request() {
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
    /// Somebody has a value that must be unique, or may have it.
    Taken,
    /// Nothing more may be counted.
    Full(CounterKey),
}

async fn commit(
    app: &App,
    visitor: &Visitor,
    mut decided: Box<Decided>,
    mut reads: ReadSet,
    post: Option<LastPost>,
) -> Result<Result<Moved, Changed>, Unavailable> {
    let now = reads.now();
    verified::note(
        &app.configuration.load().directories,
        &decided.journey,
        &mut decided.writes,
        &reads,
        now,
    )?;
    let binding = decided.assurance_rose.then(|| rebind(app, &mut decided.journey));
    let ends = decided.ends.take().or_else(|| leaving::implied(app, &decided, post.is_some()));
    let left = Left::by(app, visitor, &decided, ends, &mut reads).await?;
    let opened = match decided.opens.take() {
        Some(opens) => Some(open(app, &mut decided, opens, left.goes_on, &reads)?),
        None => None,
    };
    if takes_an_address(app, &decided, &reads)? {
        return Ok(Err(Changed::Taken));
    }
    let journey = &mut decided.journey;
    if matches!(journey.phase, Phase::Ended(_)) {
        journey.deadline = now.plus(KEPT_AFTER_END);
    }
    let signed_in = SignedIn::by(journey, &decided.writes, ends, &reads);
    let mut batch = Commit::after(reads)
        .put_journey(journey.clone())
        .writes(by_live_directories(app, std::mem::take(&mut decided.writes)))
        .counters(counted(app, &mut decided))
        .audit(decided.audit.clone());
    if let Some(post) = post {
        batch = batch.put_last_post(&decided.journey.id, &post);
    }
    let is_left = !left.ends.is_empty();
    for sign_out in left.ends {
        let told = sign_out.event(app, decided.journey.purpose.client_id());
        let told = AuditEvent { journey: Some(decided.journey.id), ..told };
        batch = sign_out.add_to(app, batch, &told);
        decided.audit.push(told);
    }
    let mut cookie = None;
    if let Some(Opened { session, code, secret }) = opened {
        cookie = Some((format!("{}.{secret}", session.id), session.expires.since(now)));
        batch = code.into_iter().fold(batch.put_session(session), Commit::put_grant);
    }
    match app.store.commit(batch).await {
        Ok(()) => {
            let journey = decided.journey.clone();
            after(app, *decided, &journey);
            let device = match signed_in {
                Some(signed_in) => {
                    signed_in.device(app, &journey, &app.cookies().devices(&visitor.headers)).await
                }
                None => None,
            };
            let signs_out = is_left && cookie.is_none();
            Ok(Ok(Moved { journey, binding, session: cookie, device, signs_out }))
        }
        Err(CommitError::Unavailable(error)) => Err(error.into()),
        Err(CommitError::Taken { .. }) => Ok(Err(Changed::Taken)),
        Err(CommitError::CounterFull(counter)) => Ok(Err(Changed::Full(counter))),
        Err(CommitError::Conflict) => Ok(Err(Changed::Reads)),
    }
}

/// Gives a journey its next secret, and returns it.
fn rebind(app: &App, journey: &mut Journey) -> String {
    let rotation = journey.binding.rotation + 1;
    let secret = app.binding_secret(journey.id, rotation);
    journey.binding = Binding { rotation, secret: Digest::of(&secret), ..journey.binding };
    secret
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

/// Whether a commit would give somebody an address as their name that may be another's, or an account that has one.
fn takes_an_address(app: &App, decided: &Decided, reads: &ReadSet) -> Result<bool, Unavailable> {
    let configuration = app.configuration.load();
    let directory = |user: &User| configuration.directories.get(&user.directory);
    let takes =
        |user: &User| directory(user).is_some_and(|directory| verified::takes_an_address(directory, user));
    let takes_anew = |user: &User, previous: &User| {
        directory(user).is_some_and(|directory| verified::takes_an_address_anew(directory, user, previous))
    };
    // What a new password shows of its owner it has not shown before.
    let rests_on_a_name = |user: &User| -> Result<bool, Unavailable> {
        let before = reads.journey(&decided.journey.id)?;
        let shown = before.as_ref().map(|journey| &journey.evidence[..]).unwrap_or_default();
        Ok(directory(user).is_some_and(|directory| verified::rests_on_a_name(directory, user, shown)))
    };
    let has_shown_a_factor = || decided.audit.iter().any(|told| told.name == "factor.shown");
    for write in &decided.writes {
        let takes = match write {
            Write::CreateUser { user, .. } => takes(user),
            Write::SetPassword { user, ends_sessions: true, .. } => match reads.user(user)? {
                Some(user) => rests_on_a_name(&user)?,
                None => false,
            },
            // That somebody has shown an address is noted of whomever it may be.
            Write::UpdateUser { user, previous, .. } if user.data() == previous.data() => false,
            Write::UpdateUser { user, previous, .. } => {
                takes_anew(user, previous) || !has_shown_a_factor() && rests_on_a_name(previous)?
            }
            Write::DeleteUser { previous } => !has_shown_a_factor() && rests_on_a_name(previous)?,
            Write::SetPassword { .. } | Write::ConfirmUser { .. } => false,
        };
        if takes {
            return Ok(true);
        }
    }
    Ok(false)
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
    if let Some(id) = purpose.client_id() {
        client.insert("id".to_owned(), id.into());
        if let Some(known) = app.client(id) {
            client.insert("name".to_owned(), known.name.clone().into());
        }
    }
    Surroundings {
        network: visitor.address.as_deref().map(|address| limiter::network(Some(address))),
        request,
        client,
        session: None,
        signed_in: None,
        devices: app.cookies().devices(&visitor.headers),
        taken: false,
        full: Vec::new(),
    }
}

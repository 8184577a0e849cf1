//! `/journeys/{id}`: shows the current page and takes posts. Post, redirect, get; a GET writes nothing.

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Uri};
use idflow_core::dead_end::DeadEnd;
use idflow_core::digest::Digest;
use idflow_core::effect::Submission;
use idflow_core::grant::AuthorizationRequest;
use idflow_core::id::{JourneyId, SessionId};
use idflow_core::journey::{Completion, Ending, Journey, Phase, Purpose};
use idflow_core::time::{Span, Timestamp};
use idflow_core::view::{Message, Severity, Text, View};
use idflow_core::{Data, Value};
use idflow_engine::run::{Input, Refusal};
use idflow_oidc::endpoint::authorize;
use idflow_oidc::http::is_form;
use idflow_oidc::refusal::Refusal as ProviderRefusal;
use idflow_pages::{Aftermath, Notice};
use idflow_store::{ReadSet, Wanted};

use crate::app::{App, Shared, Unavailable};
use crate::binding::Bound;
use crate::drive::{self, Driven, Moved, Post};
use crate::http::dead_end::{self, Way};
use crate::http::{goodbye, respond};
use crate::opening;
use crate::signed_in::SignedIn;
use crate::visitor::Visitor;

/// The query of a page that answers to a form which was sent before.
const REPEATED: &str = "notice=repeated";

/// Shows a journey's current page. Nobody gets a cookie by looking, least of all a session: only who can send the
/// last post again may have missed its answer.
pub async fn show(
    State(app): State<Shared>,
    Path(id): Path<String>,
    mut visitor: Visitor,
    uri: Uri,
) -> Response {
    let is_repeated = uri.query().is_some_and(|query| query == REPEATED);
    let shown = shown(&app, &mut visitor, &id, is_repeated).await;
    shown.unwrap_or_else(|Unavailable| unavailable(&app, &visitor))
}

async fn shown(
    app: &App,
    visitor: &mut Visitor,
    id: &str,
    is_repeated: bool,
) -> Result<Response, Unavailable> {
    let Some(loaded) = load(app, visitor, id, Looks::AtItsEnd).await? else {
        return Ok(unknown(app, visitor));
    };
    let is_applications = loaded.journey.purpose.client_id().is_some();
    let response = match loaded.bound {
        Bound::Current => page(app, visitor, loaded, is_repeated).await?,
        Bound::Previous => dead_end::page(app, visitor, DeadEnd::OldCookie, Some(&loaded.journey)),
    };
    Ok(if is_applications { respond::opened_by_application(response) } else { response })
}

/// Nobody can say whose journey it is, and the window may be an application's.
fn unknown(app: &App, visitor: &Visitor) -> Response {
    let page = dead_end::page(app, visitor, dead_end::unknown(&visitor.headers), None);
    respond::opened_by_application(page)
}

/// The same.
fn unavailable(app: &App, visitor: &Visitor) -> Response {
    respond::opened_by_application(respond::unavailable(app, visitor))
}

/// Takes a post.
pub async fn post(
    State(app): State<Shared>,
    Path(id): Path<String>,
    mut visitor: Visitor,
    uri: Uri,
    body: Bytes,
) -> Response {
    if !is_same_origin(&app, &visitor.headers) {
        return respond::opened_by_application(dead_end::foreign(&app, &visitor, &uri));
    }
    let Some(input) = input(&visitor.headers, &body) else {
        let refused = dead_end::refused(&app, &visitor, DeadEnd::Unreadable, uri.path());
        return respond::opened_by_application(refused);
    };
    posted(&app, &mut visitor, &id, input, &body).await.unwrap_or_else(|Unavailable| {
        app.metrics.step(crate::metrics::StepResult::Unavailable);
        unavailable(&app, &visitor)
    })
}

async fn posted(
    app: &App,
    visitor: &mut Visitor,
    id: &str,
    input: Input,
    body: &[u8],
) -> Result<Response, Unavailable> {
    let Some(loaded) = load(app, visitor, id, Looks::AtThePost).await? else {
        return Ok(unknown(app, visitor));
    };
    let is_applications = loaded.journey.purpose.client_id().is_some();
    let response = taken(app, visitor, loaded, input, body).await?;
    Ok(if is_applications { respond::opened_by_application(response) } else { response })
}

async fn taken(
    app: &App,
    visitor: &mut Visitor,
    loaded: Loaded,
    input: Input,
    body: &[u8],
) -> Result<Response, Unavailable> {
    let id = loaded.journey.id;
    if loaded.bound == Bound::Previous {
        return repeated(app, visitor, &loaded, (&loaded.cookie, body)).await;
    }
    let Loaded { journey, reads, cookie, .. } = loaded;
    let location = format!("/journeys/{id}");
    let post = Post { input, proof: app.post_proof(&cookie, body) };
    Ok(match drive::resume(app, visitor, id, reads, &post).await? {
        Driven::Moved(moved) => see_other(app, visitor, &moved),
        // Whoever lost a race against the same post has read the journey before it moved.
        Driven::Refused(Refusal::AlreadyAnswered | Refusal::Ended) => {
            match load(app, visitor, &id.to_string(), Looks::AtThePost).await? {
                Some(loaded) => return repeated(app, visitor, &loaded, (&cookie, body)).await,
                None => dead_end::page(app, visitor, DeadEnd::Expired, Some(&journey)),
            }
        }
        Driven::Refused(Refusal::StaleToken) => {
            respond::see_other(app, &format!("{location}?{REPEATED}"), &[])
        }
        Driven::Refused(Refusal::Unavailable) => return Err(Unavailable),
        Driven::Refused(Refusal::Expired) => dead_end::page(app, visitor, DeadEnd::Expired, Some(&journey)),
        Driven::Withdrawn | Driven::Pageless => {
            dead_end::page(app, visitor, dead_end::barred(app, &journey), Some(&journey))
        }
    })
}

/// The answer to a post that moved the journey: the browser looks at the journey again, with its new cookies.
pub fn see_other(app: &App, visitor: &Visitor, moved: &Moved) -> Response {
    let cookies = app.cookies();
    let id = moved.journey.id;
    let mut set = Vec::new();
    if let Some(secret) = &moved.binding {
        let seconds = moved.journey.forgotten().since(app.clock.now()).whole_seconds().max(60);
        set.extend(cookies.set_journey(&visitor.headers, id, secret, seconds));
    }
    if let Some((secret, lifetime)) = &moved.session {
        set.push(cookies.set_session(secret, lifetime.whole_seconds()));
    }
    if moved.signs_out {
        set.push(cookies.forget_session());
    }
    if let Some(device) = &moved.device {
        set.extend(cookies.set_device(&visitor.headers, &device.name, &device.value));
    }
    respond::see_other(app, &format!("/journeys/{id}"), &set)
}

/// The answer to a post that was answered before. After the second half of a double click the browser has thrown the
/// first answer away: whoever sends the very same fields with the same cookie gets the same answer, cookies included.
/// Anybody else who holds the current cookie looks at the journey as it stands; an old cookie is worth nothing
/// (checklist J-4, J-8).
async fn repeated(
    app: &App,
    visitor: &Visitor,
    loaded: &Loaded,
    (cookie, body): (&str, &[u8]),
) -> Result<Response, Unavailable> {
    let id = loaded.journey.id;
    let reads = app.store.read(app.clock.now(), &[Wanted::last_post(&id)]).await?;
    let mut proofs = app.post_proofs(cookie, body);
    if reads.last_post(&id)?.is_some_and(|last| proofs.any(|proof| last.proof.matches(&proof))) {
        return answered_again(app, visitor, loaded).await;
    }
    Ok(match loaded.bound {
        Bound::Current => respond::see_other(app, &format!("/journeys/{id}"), &[]),
        Bound::Previous => dead_end::page(app, visitor, DeadEnd::OldCookie, Some(&loaded.journey)),
    })
}

/// The last answer once more, with its cookies.
async fn answered_again(app: &App, visitor: &Visitor, loaded: &Loaded) -> Result<Response, Unavailable> {
    let journey = &loaded.journey;
    let now = app.clock.now();
    let opened = match journey.phase {
        Phase::Ended(Ending::Completed { session: Some(id), .. }) => {
            app.store.reads(now).session(&id).await?
        }
        _ => None,
    };
    let session = opened.and_then(|opened| {
        let secret =
            app.session_secrets(journey.id).find(|secret| opened.secret.matches(&Digest::of(secret)))?;
        Some((format!("{}.{secret}", opened.id), opened.expires.since(now)))
    });
    let device = match SignedIn::through(journey) {
        Some(signed_in) => signed_in.device(app, journey, &app.cookies().devices(&visitor.headers)).await,
        None => None,
    };
    let rotated = loaded.bound == Bound::Previous;
    let current = &journey.binding;
    let mut bindings = app.binding_secrets(journey.id, current.rotation);
    let binding = bindings.find(|secret| rotated && current.secret.matches(&Digest::of(secret)));
    let moved = Moved { journey: journey.clone(), binding, session, device, signs_out: false };
    Ok(see_other(app, visitor, &moved))
}

struct Loaded {
    journey: Journey,
    reads: ReadSet,
    bound: Bound,
    /// The cookie that binds it.
    cookie: String,
}

/// What a request may need beside the journey.
#[derive(PartialEq, Eq)]
enum Looks {
    /// The code that the journey may have ended with: only a page shows it.
    AtItsEnd,
    /// Nothing: what a post rests on follows from the journey.
    AtThePost,
}

/// The journey, if it exists and this browser is bound to it; the visitor reads its language from now on. Whatever is
/// missing, the answer is the same.
async fn load(
    app: &App,
    visitor: &mut Visitor,
    id: &str,
    looks: Looks,
) -> Result<Option<Loaded>, Unavailable> {
    let Ok(id) = id.parse::<JourneyId>() else { return Ok(None) };
    let shown = app.cookies().journey(&visitor.headers, id);
    if shown.is_empty() {
        return Ok(None);
    }
    let codes = app.grant_ids(id).filter(|_| looks == Looks::AtItsEnd);
    let wanted: Vec<Wanted> =
        codes.map(|grant| Wanted::grant(&grant)).chain([Wanted::journey(&id)]).collect();
    let reads = app.store.read(app.clock.now(), &wanted).await?;
    let Some(journey) = reads.journey(&id)? else { return Ok(None) };
    let bound =
        shown.into_iter().filter_map(|secret| Some((Bound::by(app, &journey, secret)?, secret))).min();
    let Some((bound, cookie)) = bound else { return Ok(None) };
    let cookie = cookie.to_owned();
    visitor.follow(app, &journey);
    Ok(Some(Loaded { journey, reads, bound, cookie }))
}

/// Browsers name the origin of every post (checklist J-10); one that does not is no browser of ours.
pub(super) fn is_same_origin(app: &App, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let issuer = app.configuration.load().issuer.clone();
    let fetched_here =
        text(http::HeaderName::from_static("sec-fetch-site")).is_none_or(|site| site == "same-origin");
    let from_here = match text(ORIGIN) {
        Some(origin) => origin == issuer,
        None => text(http::header::REFERER).is_none_or(|referer| referer.starts_with(&format!("{issuer}/"))),
    };
    fetched_here && from_here
}

/// Reads a form. A field that is sent twice, another media type or another encoding is no form of ours.
fn input(headers: &HeaderMap, body: &[u8]) -> Option<Input> {
    if !is_form(headers.get(CONTENT_TYPE)?.to_str().ok()?) {
        return None;
    }
    let mut fields = Data::new();
    let mut action = None;
    for (name, value) in url::form_urlencoded::parse(body) {
        // The hidden first button makes Enter press the main one; a named button pressed besides wins.
        if name == "action" {
            action = Some(value.into_owned());
        } else if fields.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
            return None;
        }
    }
    let token = fields.remove("token")?.as_str()?.to_owned();
    let action = action.unwrap_or_else(|| "next".to_owned());
    Some(Input { token, submission: Submission { action, fields } })
}

/// The page of a journey as it stands.
async fn page(
    app: &App,
    visitor: &Visitor,
    loaded: Loaded,
    is_repeated: bool,
) -> Result<Response, Unavailable> {
    let Loaded { journey, mut reads, .. } = loaded;
    let journey = &journey;
    let stopped = |end| Ok(dead_end::page(app, visitor, end, Some(journey)));
    if drive::is_barred(app, journey) {
        return stopped(dead_end::barred(app, journey));
    }
    Ok(match &journey.phase {
        Phase::ExpectSubmission(_) if app.clock.now() >= journey.deadline => {
            return stopped(DeadEnd::Expired);
        }
        Phase::ExpectSubmission(expected) => {
            let form = respond::Form {
                action: format!("/journeys/{}", journey.id),
                token: expected.token.clone(),
                can_go_back: expected.can_go_back,
            };
            let runnable = app.revisions.get(&journey.digest).ok_or(Unavailable)?;
            let view = runnable.program().in_language(&expected.view, visitor.locale.tag());
            let page = respond::journey(app, visitor, &with_notice(view, is_repeated), &form);
            let wait = expected.wait_until.map(|moment| moment.since(app.clock.now()));
            match wait.filter(|wait| *wait > Span(0)) {
                Some(wait) => respond::too_early(page, wait),
                None => page,
            }
        }
        Phase::Ended(Ending::Completed { at, session, outcome: Completion::Application }) => {
            match &journey.purpose {
                Purpose::Authorize(request) => {
                    let ended = Ended { journey, request, at: *at, session: *session };
                    code(app, visitor, &ended, &mut reads).await?
                }
                Purpose::EndSession(request) => goodbye::goodbye(app, visitor, request, &mut reads).await?,
                Purpose::Standalone { .. } => return stopped(DeadEnd::Withdrawn),
            }
        }
        Phase::Ended(Ending::Completed { outcome: Completion::Page(view), .. }) => {
            let way = Way::after_page(app, journey);
            respond::last(app, visitor, view, way.after())
        }
        Phase::Ended(Ending::Failed { code, view, .. }) => match &journey.purpose {
            Purpose::Authorize(request) if code == "cancelled" => {
                let to = authorize::refuse(&app.provider(), request, ProviderRefusal::AccessDenied);
                respond::returning(app, visitor, &to)
            }
            _ => {
                let (reference, way) =
                    (app.stopped(dead_end::failed(code), Some(journey)), Way::after_failure(app, journey));
                let after = Aftermath { reference: Some(&reference), ..way.after() };
                respond::last(app, visitor, view, after)
            }
        },
    })
}

/// A journey that ended with a sign-in for an application.
struct Ended<'a> {
    journey: &'a Journey,
    request: &'a AuthorizationRequest,
    at: Timestamp,
    session: Option<SessionId>,
}

/// Hands the application its code, for as long as nobody has used it. Who comes back later, by the back button or a
/// reload, must not send a used code again: the application would lose what it got for it (checklist O-6). A code that
/// nobody fetched in its short life is issued now.
async fn code(
    app: &App,
    visitor: &Visitor,
    ended: &Ended<'_>,
    reads: &mut ReadSet,
) -> Result<Response, Unavailable> {
    if let Some(refusal) = ended.journey.user.and_then(|user| authorize::declines(ended.request, user)) {
        return Ok(respond::returning(
            app,
            visitor,
            &authorize::refuse(&app.provider(), ended.request, refusal),
        ));
    }
    let (now, id) = (reads.now(), ended.journey.id);
    let mut known = None;
    for grant in app.grant_ids(id) {
        known = known.or(reads.grant(&grant).await?);
    }
    let issued = match &known {
        Some(grant) => opening::code_issued(app, &grant.stage),
        // One that was used is kept for as long as its access token lives.
        None if now < ended.at.plus(app.provider().lifetimes.access_token) => {
            opening::issue_late(app, ended.journey, ended.request, ended.session, reads).await?
        }
        None => None,
    };
    let Some(issued) = issued else {
        let way = Way::after_success(app, ended.request);
        let lasts = match ended.session {
            Some(id) => {
                reads.session(&id).await?.filter(|session| app.configuration.load().is_alive(session, now))
            }
            None => None,
        };
        let notice = if lasts.is_some() { Notice::SignedIn } else { Notice::SignedOut };
        return Ok(respond::notice_with(app, visitor, notice, way.after()));
    };
    let late = (issued != ended.at).then_some(issued);
    let (grant, secret) = known
        .and_then(|grant| Some((grant.id, opening::code_of(app, id, &grant.stage, late)?)))
        .unwrap_or_else(|| (app.grant_id(id), app.code_secret(id, late)));
    let to = authorize::code_answer(&app.provider(), ended.request, grant, &secret);
    Ok(respond::returning(app, visitor, &to))
}

fn with_notice(mut view: View, is_repeated: bool) -> View {
    if is_repeated {
        let text = Text::product("notice-repeated");
        view.messages.insert(0, Message { severity: Severity::Info, text });
    }
    view
}

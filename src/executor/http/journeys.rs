//! `/journeys/{id}`: shows the current page and takes posts. Post, redirect, get; a GET writes nothing.

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Uri};
use idflow_core::digest::Digest;
use idflow_core::effect::Submission;
use idflow_core::grant::{AuthorizationRequest, GrantStage};
use idflow_core::id::JourneyId;
use idflow_core::journey::{Channel, Completion, Ending, Journey, Phase, Purpose};
use idflow_core::view::{Severity, Text, View};
use idflow_core::{Data, Value};
use idflow_engine::run::{Input, Refusal};
use idflow_oidc::endpoint::authorize;
use idflow_oidc::refusal::Refusal as ProviderRefusal;
use idflow_pages::Notice;
use idflow_store::{ReadSet, Wanted};

use crate::app::{App, Shared, Unavailable};
use crate::drive::{self, Driven, Moved, Post};
use crate::http::respond;
use crate::visitor::Visitor;

/// Shows a journey's current page. Nobody gets a cookie by looking, least of all a session: only who can send the
/// last post again may have missed its answer.
pub async fn show(State(app): State<Shared>, Path(id): Path<String>, visitor: Visitor, uri: Uri) -> Response {
    let loaded = match load(&app, &visitor, &id, Looks::AtItsEnd).await {
        Ok(Some(loaded)) if loaded.bound == Bound::Current => loaded,
        Ok(_) => return respond::notice(&app, &visitor, Notice::StartAgain),
        Err(Unavailable) => return respond::unavailable(&app, &visitor),
    };
    let notice = uri.query().filter(|query| *query == "notice=repeated").map(|_| "notice-repeated");
    match page(&app, &visitor, loaded, notice).await {
        Ok(response) => response,
        Err(Unavailable) => respond::unavailable(&app, &visitor),
    }
}

/// Takes a post.
pub async fn post(
    State(app): State<Shared>,
    Path(id): Path<String>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_same_origin(&app, &headers) {
        return respond::notice(&app, &visitor, Notice::Refused);
    }
    let Some(input) = input(&headers, &body) else {
        return respond::notice(&app, &visitor, Notice::BadRequest);
    };
    posted(&app, &visitor, &id, input, &body).await.unwrap_or_else(|Unavailable| {
        app.metrics.step(crate::metrics::StepResult::Unavailable);
        respond::unavailable(&app, &visitor)
    })
}

async fn posted(
    app: &App,
    visitor: &Visitor,
    id: &str,
    input: Input,
    body: &[u8],
) -> Result<Response, Unavailable> {
    let Some(loaded) = load(app, visitor, id, Looks::AtThePost).await? else {
        return Ok(respond::notice(app, visitor, Notice::StartAgain));
    };
    let proof = app.post_proof(&loaded.cookie, body);
    if loaded.bound == Bound::Previous {
        return repeated(app, visitor, &loaded, &proof).await;
    }
    let location = format!("/journeys/{}", loaded.journey.id);
    let post = Post { input, proof };
    Ok(match drive::resume(app, visitor, loaded.journey.id, loaded.reads, &post).await? {
        Driven::Moved(moved) => see_other(app, visitor, &moved),
        // Whoever lost a race against the same post has read the journey before it moved.
        Driven::Refused(Refusal::AlreadyAnswered | Refusal::Ended) => {
            match load(app, visitor, id, Looks::AtThePost).await? {
                Some(loaded) => return repeated(app, visitor, &loaded, &post.proof).await,
                None => respond::notice(app, visitor, Notice::StartAgain),
            }
        }
        Driven::Refused(Refusal::StaleToken) => {
            respond::see_other(app, &format!("{location}?notice=repeated"), &[])
        }
        Driven::Refused(Refusal::Unavailable) => return Err(Unavailable),
        Driven::Refused(Refusal::Expired) | Driven::Withdrawn => {
            respond::notice(app, visitor, Notice::StartAgain)
        }
    })
}

/// The answer to a post that moved the journey: the browser looks at the journey again, with its new cookies.
pub fn see_other(app: &App, visitor: &Visitor, moved: &Moved) -> Response {
    let cookies = app.cookies();
    let id = moved.journey.id;
    let mut set = Vec::new();
    if let Some(secret) = &moved.binding {
        let seconds = moved.journey.deadline.since(app.clock.now()).whole_seconds().max(60);
        set.extend(cookies.set_journey(&visitor.headers, id, secret, seconds));
    }
    if let Some((secret, lifetime)) = &moved.session {
        set.push(cookies.set_session(secret, lifetime.whole_seconds()));
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
    proof: &Digest,
) -> Result<Response, Unavailable> {
    let id = loaded.journey.id;
    let reads = app.store.read(app.clock.now(), &[Wanted::last_post(&id)]).await?;
    if reads.last_post(&id)?.is_some_and(|last| last.proof.matches(proof)) {
        return answered_again(app, visitor, loaded).await;
    }
    Ok(match loaded.bound {
        Bound::Current => respond::see_other(app, &format!("/journeys/{id}"), &[]),
        Bound::Previous => respond::notice(app, visitor, Notice::StartAgain),
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
    let session = opened.map(|opened| {
        let cookie = format!("{}.{}", opened.id, app.session_secret(journey.id));
        (cookie, opened.expires.since(now))
    });
    let rotated = loaded.bound == Bound::Previous;
    let binding = rotated.then(|| app.binding_secret(journey.id, journey.binding.rotation));
    Ok(see_other(app, visitor, &Moved { journey: journey.clone(), binding, session }))
}

/// How a browser is bound to a journey, the better way first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Current,
    Previous,
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

/// The journey, if it exists and this browser is bound to it. Whatever is missing, the answer is the same.
async fn load(app: &App, visitor: &Visitor, id: &str, looks: Looks) -> Result<Option<Loaded>, Unavailable> {
    let Ok(id) = id.parse::<JourneyId>() else { return Ok(None) };
    let shown = app.cookies().journey(&visitor.headers, id);
    if shown.is_empty() {
        return Ok(None);
    }
    let code = (looks == Looks::AtItsEnd).then(|| Wanted::grant(&app.grant_id(id)));
    let wanted: Vec<Wanted> = code.into_iter().chain([Wanted::journey(&id)]).collect();
    let reads = app.store.read(app.clock.now(), &wanted).await?;
    let Some(journey) = reads.journey(&id)? else { return Ok(None) };
    let bound = shown.into_iter().filter_map(|secret| Some((bound(app, &journey, secret)?, secret))).min();
    Ok(bound.map(|(bound, cookie)| Loaded { journey, reads, bound, cookie: cookie.to_owned() }))
}

fn bound(app: &App, journey: &Journey, shown: &str) -> Option<Bound> {
    let (binding, shown) = (&journey.binding, Digest::of(shown));
    if binding.channel != Channel::Browser {
        return None;
    }
    if binding.secret.matches(&shown) {
        return Some(Bound::Current);
    }
    let previous = Digest::of(app.binding_secret(journey.id, binding.rotation.checked_sub(1)?));
    previous.matches(&shown).then_some(Bound::Previous)
}

/// Browsers name the origin of every post (checklist J-10); one that does not is no browser of ours.
fn is_same_origin(app: &App, headers: &HeaderMap) -> bool {
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
    let media_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if !media_type.starts_with("application/x-www-form-urlencoded") {
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
    notice: Option<&str>,
) -> Result<Response, Unavailable> {
    let Loaded { journey, mut reads, .. } = loaded;
    let journey = &journey;
    let is_over = matches!(journey.phase, Phase::Ended(_));
    if drive::is_barred(app, journey) || (!is_over && app.clock.now() >= journey.deadline) {
        return Ok(respond::notice(app, visitor, Notice::StartAgain));
    }
    Ok(match &journey.phase {
        Phase::ExpectSubmission(expected) => {
            let form = respond::Form {
                action: format!("/journeys/{}", journey.id),
                token: expected.token.clone(),
                can_go_back: expected.can_go_back,
            };
            respond::journey(app, visitor, &with_notice(&expected.view, notice), Some(&form))
        }
        Phase::Ended(Ending::Completed { outcome: Completion::Application, .. }) => match &journey.purpose {
            Purpose::Authorize(request) => code(app, visitor, journey, request, &mut reads).await?,
            Purpose::Standalone { .. } => respond::notice(app, visitor, Notice::StartAgain),
        },
        Phase::Ended(Ending::Completed { outcome: Completion::Page(view), .. }) => {
            respond::journey(app, visitor, view, None)
        }
        Phase::Ended(Ending::Failed { code, view, .. }) => match &journey.purpose {
            Purpose::Authorize(request) if code == "cancelled" => {
                let target = authorize::refuse(&app.provider(), request, ProviderRefusal::AccessDenied);
                respond::onward(app, visitor, &target)
            }
            _ => respond::journey(app, visitor, view, None),
        },
    })
}

/// Hands the application its code, for as long as nobody has used it. Who comes back later, by the back button or a
/// reload, must not send a used code again: the application would lose what it got for it (checklist O-6).
async fn code(
    app: &App,
    visitor: &Visitor,
    journey: &Journey,
    request: &AuthorizationRequest,
    reads: &mut ReadSet,
) -> Result<Response, Unavailable> {
    let now = reads.now();
    let grant = app.grant_id(journey.id);
    let stage = reads.grant(&grant).await?.map(|grant| grant.stage);
    if !matches!(stage, Some(GrantStage::Code { expires, .. }) if now < expires) {
        return Ok(respond::notice(app, visitor, Notice::SignedIn));
    }
    let target = authorize::code_url(&app.provider(), request, grant, &app.code_secret(journey.id));
    Ok(respond::onward(app, visitor, &target))
}

fn with_notice(view: &View, notice: Option<&str>) -> View {
    let mut view = view.clone();
    if let Some(key) = notice {
        let message = idflow_core::view::Message { severity: Severity::Info, text: Text::product(key) };
        view.messages.insert(0, message);
    }
    view
}

//! Answers: a finished page with its headers and cookies.

use axum::response::Response;
use http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{HeaderName, HeaderValue, StatusCode};
use idflow_core::dead_end::DeadEnd;
use idflow_core::time::Span;
use idflow_core::view::View;
use idflow_oidc::endpoint::{Endpoint, Errors};
use idflow_oidc::http::{Cache, Response as Decided, Returned};
use idflow_pages::headers::{self, Headers};
use idflow_pages::{
    Aftermath, Development, FormPostPage, JourneyPage, LanguageLink, Nonce, Notice, NoticePage, OnwardPage,
    Page, Visit,
};

use crate::app::App;
use crate::visitor::Visitor;

/// The tenant's own page: says whether somebody is signed in, and offers to sign in.
pub const HOME: &str = "/";

/// Where a step's form is posted and what it offers.
pub struct Form {
    /// The path.
    pub action: String,
    /// The token of this showing.
    pub token: String,
    /// Whether `back` leads somewhere.
    pub can_go_back: bool,
}

/// A step of a journey.
pub fn journey(app: &App, visitor: &Visitor, view: &View, form: &Form) -> Response {
    let languages = languages(app, visitor, &form.action);
    render(app, visitor, &languages, |visit| {
        // The choice goes along with the post, and holds from then on.
        let action = match visitor.choice() {
            Some(choice) => in_language(&form.action, choice),
            None => form.action.clone(),
        };
        let page = JourneyPage {
            action: &action,
            token: &form.token,
            can_go_back: form.can_go_back,
            ..JourneyPage::of(view)
        };
        app.pages.journey(visit, &page)
    })
}

/// The last page of a journey.
pub fn last(app: &App, visitor: &Visitor, view: &View, after: Aftermath<'_>) -> Response {
    render(app, visitor, &[], |visit| {
        app.pages.journey(visit, &JourneyPage { after, ..JourneyPage::of(view) })
    })
}

/// A page that may be posted only after a wait.
pub fn too_early(mut page: Response, wait: Span) -> Response {
    *page.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    page.headers_mut().insert(RETRY_AFTER, HeaderValue::from((wait.0 + 999) / 1000));
    page
}

/// The page that sends the browser on to the application.
pub fn onward(app: &App, visitor: &Visitor, target: &str) -> Response {
    render(app, visitor, &[], |visit| app.pages.onward(visit, &OnwardPage { target, reference: None }))
}

/// The page that hands an answer to the application: by going on, or by a post.
pub fn returning(app: &App, visitor: &Visitor, to: &Returned) -> Response {
    if to.fields.is_empty() {
        return onward(app, visitor, &to.url);
    }
    let Some(source) = to.source() else { return notice(app, visitor, Notice::BadRequest) };
    let page = FormPostPage { target: &to.url, source: &source, fields: &to.fields };
    render(app, visitor, &[], |visit| app.pages.form_post(visit, &page))
}

/// The same where nothing was posted before, so that a redirect passes.
pub fn returned(app: &App, visitor: &Visitor, to: &Returned) -> Response {
    if to.fields.is_empty() { decided(app, Decided::redirect(&to.url)) } else { returning(app, visitor, to) }
}

/// A page that stands outside a step.
pub fn notice(app: &App, visitor: &Visitor, notice: Notice) -> Response {
    notice_with(app, visitor, notice, Aftermath::default())
}

/// The same with a path on this origin where the visitor can go on.
pub fn notice_with_way_on(app: &App, visitor: &Visitor, notice: Notice, onward: Option<&str>) -> Response {
    notice_with(app, visitor, notice, Aftermath { onward, ..Aftermath::default() })
}

/// The same with whatever else belongs to the case.
pub fn notice_with(app: &App, visitor: &Visitor, notice: Notice, after: Aftermath<'_>) -> Response {
    render(app, visitor, &[], |visit| app.pages.notice(visit, &NoticePage { notice, after }))
}

/// Who reads an answer that is none of those a request was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A person: a page.
    Person,
    /// A program: JSON, in the form of RFC 6749 section 5.2.
    Program,
}

impl Reader {
    /// Who reads the errors of an endpoint.
    pub const fn of(endpoint: &Endpoint) -> Self {
        match endpoint.errors {
            Errors::Page => Self::Person,
            Errors::Json(_) => Self::Program,
        }
    }

    /// Who reads the errors at a path, whether something is there or not.
    pub fn at(path: &str) -> Self {
        match Endpoint::governing(path) {
            Some(endpoint) => Self::of(endpoint),
            None if path.starts_with("/oauth2/") => Self::Program,
            None => Self::Person,
        }
    }
}

/// Why a request gets none of the answers it was made for.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    /// Nothing is at this address.
    NotFound,
    /// The address does not take this method.
    MethodNotAllowed,
    /// The body is longer than is read.
    TooLarge,
    /// The browser sent more cookies than are read. Most of them are other applications'.
    TooManyCookies,
    /// The body did not come in time.
    TooSlow,
    /// The body broke off.
    Broken,
    /// Too many requests came from this network; how long to wait.
    TooMany(Span),
    /// A part of the service cannot be reached now: nothing was done.
    Unavailable,
    /// A defect of ours.
    Failed,
}

impl Trouble {
    const fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyCookies => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn notice(self) -> Notice {
        match self {
            Self::NotFound => Notice::NotFound,
            Self::MethodNotAllowed => Notice::MethodNotAllowed,
            Self::TooLarge => Notice::TooLarge,
            Self::TooManyCookies => Notice::TooManyCookies,
            Self::TooSlow | Self::Broken => Notice::BadRequest,
            Self::TooMany(_) => Notice::TooManyRequests,
            Self::Unavailable => Notice::Unavailable,
            Self::Failed => Notice::Failed,
        }
    }

    /// `error` and `error_description`.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotFound => {
                ("invalid_request", "nothing is at this address; the metadata document lists what is")
            }
            Self::MethodNotAllowed => {
                ("invalid_request", "this address does not take this method; see Allow")
            }
            Self::TooLarge => ("invalid_request", "the request is too large"),
            Self::TooManyCookies => ("invalid_request", "the request carries more cookies than are read"),
            Self::TooSlow => ("invalid_request", "the body did not come in time"),
            Self::Broken => ("invalid_request", "the body broke off"),
            Self::TooMany(_) => {
                ("temporarily_unavailable", "too many requests; wait as long as Retry-After says")
            }
            Self::Unavailable => ("temporarily_unavailable", "not possible now; try again"),
            Self::Failed => ("server_error", "a defect of the provider; the log has it under the reference"),
        }
    }

    const fn retry_after(self) -> Option<i64> {
        match self {
            Self::TooMany(wait) => Some(wait.whole_seconds() + 1),
            Self::Unavailable => Some(2),
            _ => None,
        }
    }

    /// What is our fault, or is in the way of a visitor who did nothing wrong, is told under a reference that the reader
    /// is given (checklist L-4). An address that nothing is at gets none: programs try them by the thousand, and a person
    /// is led on.
    const fn dead_end(self) -> Option<DeadEnd> {
        match self {
            Self::Unavailable => Some(DeadEnd::Unavailable),
            Self::Failed => Some(DeadEnd::Defect),
            Self::TooManyCookies => Some(DeadEnd::TooManyCookies),
            _ => None,
        }
    }

    /// Where a reader goes on.
    const fn onward(self) -> Option<&'static str> {
        match self {
            Self::NotFound => Some(HOME),
            _ => None,
        }
    }
}

/// An answer that says what is the trouble, in the form of whoever reads it.
pub fn trouble(app: &App, visitor: &Visitor, reader: Reader, trouble: Trouble) -> Response {
    let reference = trouble.dead_end().map(|end| app.stopped(end, None));
    let mut response = match reader {
        Reader::Person => {
            let after = Aftermath {
                reference: reference.as_deref(),
                onward: trouble.onward(),
                ..Aftermath::default()
            };
            notice_with(app, visitor, trouble.notice(), after)
        }
        Reader::Program => json(app, trouble, reference.as_deref()),
    };
    *response.status_mut() = trouble.status();
    if let Some(seconds) = trouble.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// 503 with Retry-After, as a page: nothing was done.
pub fn unavailable(app: &App, visitor: &Visitor) -> Response {
    trouble(app, visitor, Reader::Person, Trouble::Unavailable)
}

/// An authorization request that cannot be answered to anybody: our own page, with the reason in the audit record.
pub fn refused_request(app: &App, visitor: &Visitor, reference: &str) -> Response {
    let after = Aftermath { reference: Some(reference), ..Aftermath::default() };
    notice_with(app, visitor, Notice::BadRequest, after)
}

fn json(app: &App, trouble: Trouble, reference: Option<&str>) -> Response {
    let (error, description) = trouble.words();
    let description = match reference {
        Some(reference) => format!("{description}: {reference}"),
        None => description.to_owned(),
    };
    let body = serde_json::json!({ "error": error, "error_description": description });
    decided(app, Decided::json(trouble.status().as_u16(), Cache::Never, &body))
}

/// An answer of the provider. Headers that cannot be one are a defect and left out.
pub fn decided(app: &App, decided: Decided) -> Response {
    let mut response = Response::new(decided.body.into());
    *response.status_mut() =
        StatusCode::from_u16(decided.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(&mut response, &headers::common(app.transport()));
    for (name, value) in decided.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// Marks an answer on a way that an application may have opened in a window of its own: it would lose sight of the
/// window at the first answer that cuts it off, redirects included, and the sign-in would never arrive.
pub fn opened_by_application(mut response: Response) -> Response {
    response.headers_mut().insert("cross-origin-opener-policy", HeaderValue::from_static("unsafe-none"));
    response
}

/// Whether an address is on a way that an application may have opened in a window of its own.
pub fn may_be_opened_by_application(path: &str) -> bool {
    let endpoint = Endpoint::governing(path);
    path.starts_with("/journeys/") || endpoint.is_some_and(|endpoint| Reader::of(endpoint) == Reader::Person)
}

/// An answer without a body.
pub fn status(app: &App, status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    put(&mut response, &headers::common(app.transport()));
    response
}

/// Post, redirect, get: always 303, which never repeats a form (checklist O-35).
pub fn see_other(app: &App, path: &str, cookies: &[String]) -> Response {
    redirect(app, StatusCode::SEE_OTHER, path, cookies)
}

/// What was asked for is at another address: nothing was done yet.
pub fn found(app: &App, address: &str, cookies: &[String]) -> Response {
    redirect(app, StatusCode::FOUND, address, cookies)
}

fn redirect(app: &App, with: StatusCode, path: &str, cookies: &[String]) -> Response {
    let mut response = status(app, with);
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, location);
    }
    for cookie in cookies.iter().filter_map(|cookie| HeaderValue::from_str(cookie).ok()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn render(
    app: &App,
    visitor: &Visitor,
    languages: &[LanguageLink],
    make: impl FnOnce(&Visit<'_>) -> Result<Page, idflow_pages::RenderError>,
) -> Response {
    let configuration = app.configuration.load();
    let nonce = Nonce::random(app.chance.as_ref());
    let development = app.development.then(|| Development { mail_href: "/dev/mail".to_owned() });
    let visit = Visit {
        locale: &visitor.locale,
        theme: &configuration.theme,
        nonce: &nonce,
        transport: app.transport(),
        languages,
        development: development.as_ref(),
    };
    match make(&visit) {
        Ok(page) => finished(app, visitor, page),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            status(app, StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

fn finished(app: &App, visitor: &Visitor, page: Page) -> Response {
    let mut response = Response::new(page.html.into());
    *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(&mut response, &page.headers);
    if visitor.keeps_choice {
        let cookie = app.cookies().set_language(visitor.locale.tag());
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

fn put(response: &mut Response, headers: &Headers) {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

/// A path that is answered in a language.
fn in_language(path: &str, tag: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}ui_locales={tag}")
}

fn languages(app: &App, visitor: &Visitor, path: &str) -> Vec<LanguageLink> {
    app.pages.language_links(&visitor.offer, |tag| in_language(path, tag))
}

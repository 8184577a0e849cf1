//! Answers: a finished page with its headers and cookies.

use axum::response::Response;
use http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{HeaderName, HeaderValue, StatusCode};
use idflow_core::time::Span;
use idflow_core::view::View;
use idflow_oidc::refusal::Refusal;
use idflow_pages::headers::{self, Headers};
use idflow_pages::{
    Development, JourneyPage, LanguageLink, Nonce, Notice, NoticePage, OnwardPage, Page, Visit,
};

use crate::app::App;
use crate::http::visitor::Visitor;

/// Where a step's form is posted and what it offers.
pub struct Form {
    /// The path.
    pub action: String,
    /// The token of this showing.
    pub token: String,
    /// Whether `back` leads somewhere.
    pub can_go_back: bool,
}

/// A step of a journey; without a form, its last page.
pub fn journey(app: &App, visitor: &Visitor, view: &View, form: Option<&Form>) -> Response {
    let languages = form.map(|form| languages(app, &form.action)).unwrap_or_default();
    render(app, visitor, &languages, |visit| {
        let page = JourneyPage {
            view,
            action: form.map_or("", |form| &form.action),
            token: form.map_or("", |form| &form.token),
            status: 200,
            can_go_back: form.is_some_and(|form| form.can_go_back),
            can_cancel: false,
            progress: None,
        };
        app.pages.journey(visit, &page)
    })
}

/// The page that sends the browser on to the application.
pub fn onward(app: &App, visitor: &Visitor, target: &str) -> Response {
    render(app, visitor, &[], |visit| app.pages.onward(visit, &OnwardPage { target, reference: None }))
}

/// A page that stands outside a step.
pub fn notice(app: &App, visitor: &Visitor, notice: Notice) -> Response {
    notice_with_way_on(app, visitor, notice, None)
}

/// The same with a path on this origin where the visitor can go on.
pub fn notice_with_way_on(app: &App, visitor: &Visitor, notice: Notice, onward: Option<&str>) -> Response {
    noted(app, visitor, NoticePage { notice, reference: None, onward })
}

/// 503 with Retry-After: nothing was done.
pub fn unavailable(app: &App, visitor: &Visitor) -> Response {
    let reference = reference(app);
    tracing::warn!(reference, "a request could not be served");
    let page = NoticePage { notice: Notice::Unavailable, reference: Some(&reference), onward: None };
    let mut response = noted(app, visitor, page);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

/// An authorization request that cannot be answered to anybody: our own page, with the reason in the log.
pub fn refused_request(app: &App, visitor: &Visitor, refusal: Refusal) -> Response {
    let reference = reference(app);
    let why = refusal.description();
    tracing::info!(reference, refusal = refusal.name(), why, "an authorization request was refused");
    noted(app, visitor, NoticePage { notice: Notice::BadRequest, reference: Some(&reference), onward: None })
}

/// 429 with Retry-After: too many journeys were begun.
pub fn too_many(app: &App, visitor: &Visitor, wait: Span) -> Response {
    let mut response = notice(app, visitor, Notice::TooManyRequests);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.whole_seconds() + 1));
    response
}

/// 500: a defect of ours, under a reference.
pub fn failed(app: &App, visitor: &Visitor, for_programs: bool) -> Response {
    let reference = reference(app);
    tracing::error!(reference, "a request met a defect");
    if for_programs {
        return json(StatusCode::INTERNAL_SERVER_ERROR, "server_error", &format!("Reference: {reference}"));
    }
    noted(app, visitor, NoticePage { notice: Notice::Failed, reference: Some(&reference), onward: None })
}

/// 503 for programs.
pub fn unavailable_json() -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = json(status, "temporarily_unavailable", "Please try again.");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

/// A request of a program that cannot be read.
pub fn refused_json(status: StatusCode, description: &str) -> Response {
    json(status, "invalid_request", description)
}

fn json(status: StatusCode, error: &str, description: &str) -> Response {
    let body = serde_json::json!({ "error": error, "error_description": description });
    let mut response = Response::new(body.to_string().into());
    *response.status_mut() = status;
    put(&mut response, &headers::common(false));
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer without a body.
pub fn status(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    put(&mut response, &headers::common(false));
    response
}

/// Post, redirect, get: always 303, which never repeats a form (checklist O-35).
pub fn see_other(app: &App, path: &str, cookies: &[String]) -> Response {
    let mut response = status(StatusCode::SEE_OTHER);
    put(&mut response, &headers::common(app.is_https()));
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, location);
    }
    for cookie in cookies.iter().filter_map(|cookie| HeaderValue::from_str(cookie).ok()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn noted(app: &App, visitor: &Visitor, page: NoticePage<'_>) -> Response {
    render(app, visitor, &[], |visit| app.pages.notice(visit, &page))
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
        https: app.is_https(),
        languages,
        development: development.as_ref(),
    };
    match make(&visit) {
        Ok(page) => finished(app, visitor, page),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            status(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

fn finished(app: &App, visitor: &Visitor, page: Page) -> Response {
    let mut response = Response::new(page.html.into());
    *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(&mut response, &page.headers);
    if visitor.chose_language {
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

fn languages(app: &App, path: &str) -> Vec<LanguageLink> {
    app.pages.language_links(|tag| format!("{path}?ui_locales={tag}"))
}

/// Under which the log has the details (checklist L-4).
fn reference(app: &App) -> String {
    let token = idflow_core::chance::token(app.chance.as_ref());
    token.chars().filter(char::is_ascii_alphanumeric).take(10).collect()
}

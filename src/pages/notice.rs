//! Pages that stand outside a step: something ended, is missing or is not possible now. Neutral words and a
//! reference id; the details stand in the log under it (checklist L-4).

use idflow_core::view::Text;
use minijinja::Value;
use serde::Serialize;

use crate::aftermath::{Aftermath, AftermathContext};
use crate::identity::Identity;
use crate::pages::{Base, Page, Pages, RenderError, Visit};
use crate::say::Say;

/// What is to be said. Each has its texts `notice-<name>-title` and `notice-<name>-lead` and its own status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The journey took longer than its lifetime.
    Expired,
    /// The journey cannot go on: its revision was withdrawn, or nothing is known about it any more.
    StartAgain,
    /// Nothing is known here about the journey: it belongs to another browser, or is long over (checklist J-7).
    AnotherBrowser,
    /// The browser sent no cookie at all.
    NoCookies,
    /// The application may not be answered any more.
    ApplicationGone,
    /// The journey was ended by the visitor.
    Cancelled,
    /// This step is done; the journey has moved on.
    AlreadyDone,
    /// The visitor is signed in and no application waits.
    SignedIn,
    /// The visitor is not signed in and no application waits.
    NotSignedIn,
    /// The visitor has signed out, or was not signed in any more.
    SignedOut,
    /// There is no such page.
    NotFound,
    /// The request cannot be understood; from an application, its link is wrong.
    BadRequest,
    /// The request came from another site, or without the token of the page.
    Refused,
    /// The page was shown at another name than the issuer's, where it can do nothing.
    AnotherName,
    /// The address exists but not for this method.
    MethodNotAllowed,
    /// More was sent than is read.
    TooLarge,
    /// The browser sent more cookies than are read.
    TooManyCookies,
    /// Too many requests came from this address.
    TooManyRequests,
    /// Not possible now, soon again: no free slot, a revision that is not loaded.
    Unavailable,
    /// A defect of ours.
    Failed,
}

impl Notice {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Expired,
        Self::StartAgain,
        Self::AnotherBrowser,
        Self::NoCookies,
        Self::ApplicationGone,
        Self::Cancelled,
        Self::AlreadyDone,
        Self::SignedIn,
        Self::NotSignedIn,
        Self::SignedOut,
        Self::NotFound,
        Self::BadRequest,
        Self::Refused,
        Self::AnotherName,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::TooManyCookies,
        Self::TooManyRequests,
        Self::Unavailable,
        Self::Failed,
    ];

    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::Cancelled | Self::AlreadyDone | Self::SignedIn | Self::NotSignedIn | Self::SignedOut => 200,
            Self::BadRequest => 400,
            Self::Refused | Self::AnotherName => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Expired
            | Self::StartAgain
            | Self::AnotherBrowser
            | Self::NoCookies
            | Self::ApplicationGone => 410,
            Self::TooLarge => 413,
            Self::TooManyRequests => 429,
            Self::TooManyCookies => 431,
            Self::Failed => 500,
            Self::Unavailable => 503,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::StartAgain => "start-again",
            Self::AnotherBrowser => "another-browser",
            Self::NoCookies => "no-cookies",
            Self::ApplicationGone => "application-gone",
            Self::Cancelled => "cancelled",
            Self::AlreadyDone => "already-done",
            Self::SignedIn => "signed-in",
            Self::NotSignedIn => "not-signed-in",
            Self::SignedOut => "signed-out",
            Self::NotFound => "not-found",
            Self::BadRequest => "bad-request",
            Self::Refused => "refused",
            Self::AnotherName => "another-name",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::TooLarge => "too-large",
            Self::TooManyCookies => "too-many-cookies",
            Self::TooManyRequests => "too-many-requests",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
        }
    }

    const fn icon(self) -> &'static str {
        match self {
            Self::SignedIn | Self::SignedOut | Self::AlreadyDone => "done",
            Self::NotSignedIn => "person",
            Self::Expired | Self::StartAgain | Self::Unavailable | Self::TooManyRequests => "clock",
            _ => "stop",
        }
    }

    /// The text on the way on.
    const fn onward(self) -> &'static str {
        match self {
            Self::AlreadyDone | Self::Refused | Self::AnotherName => "action-continue",
            Self::SignedIn => "action-sign-out",
            Self::NotSignedIn | Self::SignedOut => "action-sign-in",
            Self::Unavailable | Self::TooManyRequests | Self::Failed => "action-try-again",
            _ => "action-start-again",
        }
    }
}

/// A notice with what belongs to this one case.
#[derive(Debug, Clone, Copy)]
pub struct NoticePage<'a> {
    /// What is to be said.
    pub notice: Notice,
    /// Where the visitor can go.
    pub after: Aftermath<'a>,
}

impl Pages {
    /// Renders a notice with its own status.
    pub fn notice(&self, visit: &Visit<'_>, page: &NoticePage<'_>) -> Result<Page, RenderError> {
        let say = Say::new(self.texts(), visit.locale, &visit.theme.theme().product_name);
        self.notice_saying(&say, visit, page)
    }

    pub(crate) fn notice_saying(
        &self,
        say: &Say<'_>,
        visit: &Visit<'_>,
        page: &NoticePage<'_>,
    ) -> Result<Page, RenderError> {
        let context = NoticeContext::new(self, visit, say, page);
        self.page("notice", page.notice.status(), visit, context)
    }
}

#[derive(Debug, Serialize)]
struct NoticeContext {
    base: Base,
    icon: &'static str,
    heading: Value,
    lead: Value,
    identity: Option<Identity>,
    after: AftermathContext,
}

impl NoticeContext {
    fn new(pages: &Pages, visit: &Visit<'_>, say: &Say<'_>, page: &NoticePage<'_>) -> Self {
        let title = Text::product(format!("notice-{}-title", page.notice.name()));
        let lead = Text::product(format!("notice-{}-lead", page.notice.name()));
        let is_error = page.notice.status() >= 400;
        Self {
            base: Base::new(pages, visit, say, &say.plain(&title), is_error),
            icon: page.notice.icon(),
            heading: say.html(&title),
            lead: say.html(&lead),
            identity: page.after.account.map(|name| Identity::new(say, name, false)),
            after: AftermathContext::new(visit, say, page.after, page.notice.onward(), is_error),
        }
    }
}

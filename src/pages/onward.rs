//! The page that ends a journey by sending the browser on to the application.
//!
//! Not a redirect: browsers apply `form-action 'self'` to every hop after a post, and would stop at the
//! application's address. An own page with a `Refresh` header passes, also to loopback and to custom schemes.

use minijinja::Value;
use serde::Serialize;

use crate::aftermath::Aftermath;
use crate::notice::{Notice, NoticePage};
use crate::pages::{Base, Page, Pages, RenderError, Visit};
use crate::place::place;
use crate::say::Say;

/// Where the browser goes.
#[derive(Debug, Clone, Copy)]
pub struct OnwardPage<'a> {
    /// An absolute URL that was matched against the client before, with its response parameters.
    pub target: &'a str,
    /// For the case that the target is no place to go to.
    pub reference: Option<&'a str>,
}

impl Pages {
    /// Renders the way on: status 200, `Refresh: 0`, and a link. A target that is no place is a [`Notice::BadRequest`].
    pub fn onward(&self, visit: &Visit<'_>, page: &OnwardPage<'_>) -> Result<Page, RenderError> {
        let say = Say::new(self.texts(), visit.locale, &visit.theme.theme().product_name);
        self.onward_saying(&say, visit, page)
    }

    pub(crate) fn onward_saying(
        &self,
        say: &Say<'_>,
        visit: &Visit<'_>,
        page: &OnwardPage<'_>,
    ) -> Result<Page, RenderError> {
        let Some(target) = place(page.target) else {
            let after = Aftermath { reference: page.reference, ..Aftermath::default() };
            let notice = NoticePage { notice: Notice::BadRequest, after };
            return self.notice_saying(say, visit, &notice);
        };
        let context = OnwardContext {
            base: Base::new(self, visit, say, &say.plain_key("onward-title"), false),
            heading: say.key("onward-title"),
            lead: say.key("onward-lead"),
            label: say.key("action-continue"),
            target: target.clone(),
        };
        let mut response = self.page("onward", 200, visit, context)?;
        response.headers.push(("refresh", format!("0; url={target}").into()));
        Ok(response)
    }
}

#[derive(Debug, Serialize)]
struct OnwardContext {
    base: Base,
    heading: Value,
    lead: Value,
    label: Value,
    target: String,
}

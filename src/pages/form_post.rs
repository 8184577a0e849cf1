//! The page that posts an answer to the application (OAuth 2.0 Form Post Response Mode): with a script by itself, and
//! without one by its button. Its policy lets it post to this one address and nowhere else.

use minijinja::Value;
use serde::Serialize;

use crate::headers;
use crate::pages::{Base, Page, Pages, RenderError, Visit};
use crate::say::Say;

/// What is posted where.
#[derive(Debug, Clone, Copy)]
pub struct FormPostPage<'a> {
    /// An http or https URL that was matched against the client before.
    pub target: &'a str,
    /// What the page's policy calls it.
    pub source: &'a str,
    /// Names and values.
    pub fields: &'a [(&'static str, String)],
}

impl Pages {
    /// Renders the post: status 200.
    pub fn form_post(&self, visit: &Visit<'_>, page: &FormPostPage<'_>) -> Result<Page, RenderError> {
        let say = Say::new(self.texts(), visit.locale, &visit.theme.theme().product_name);
        self.form_post_saying(&say, visit, page)
    }

    pub(crate) fn form_post_saying(
        &self,
        say: &Say<'_>,
        visit: &Visit<'_>,
        page: &FormPostPage<'_>,
    ) -> Result<Page, RenderError> {
        let context = FormPostContext {
            base: Base::new(self, visit, say, &say.plain_key("onward-title"), false),
            heading: say.key("onward-title"),
            lead: say.key("onward-lead"),
            label: say.key("action-continue"),
            target: page.target,
            fields: page.fields,
        };
        let mut response = self.page("form_post", 200, visit, context)?;
        headers::post_only_to(&mut response.headers, page.source);
        Ok(response)
    }
}

#[derive(Debug, Serialize)]
struct FormPostContext<'a> {
    base: Base,
    heading: Value,
    lead: Value,
    label: Value,
    target: &'a str,
    fields: &'a [(&'static str, String)],
}

//! `complete`: the journey reached its goal.
//!
//! A `Login` flow opens the session here and answers the application that asked; a `Registration` flow does so when
//! a factor was shown. Other flows, and visitors nobody waits for, end on a last page.
//!
//! ```yaml
//! - id: done
//!   complete: { sessionLifetime: 12h }
//! ```

use idflow_core::Value;
use idflow_core::time::Span;
use idflow_core::view::{Text, View};
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Complete, EndTurn, Event, Fault, Finish, Turn};
use idflow_flow::facts::{End, Facts, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{AuthoredText, Compiler, Plan};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::{answer_mismatch, settings, text};

/// How long a session lasts when the step does not say (design 11).
const LIFETIME: Span = Span::hours(8);

/// How long a session may stay unused when the step does not say (design 11).
const IDLE: Span = Span::hours(4);

/// The longest session: 90 days.
const LONGEST: Span = Span::hours(90 * 24);

/// Settings of `complete`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// How long the session lasts at most, for example `12h`. Absent means `8h`; at most `2160h`. The Tenant may
    /// allow less.
    #[schemars(length(min = 2, max = 16), regex(pattern = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"))]
    session_lifetime: Option<String>,
    /// How long the session may stay unused. Absent means `4h`.
    #[schemars(length(min = 2, max = 16), regex(pattern = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"))]
    session_idle: Option<String>,
    /// Who the session is for. Absent means the identified user; `Guest` means nobody in particular, where the
    /// Tenant allows guests (`policy.guests`).
    subject: Option<Subject>,
    /// The key of the flow's text that is the heading of the last page. Absent means the product's.
    #[schemars(length(min = 1, max = 63))]
    title: Option<String>,
    /// The key of the flow's text on the last page. Absent means the product's.
    #[schemars(length(min = 1, max = 63))]
    text: Option<String>,
}

/// Who a session is for, besides the identified user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
enum Subject {
    /// Nobody in particular.
    Guest,
}

impl Settings {
    fn lifetime(&self) -> Result<Span, SettingsError> {
        span("/sessionLifetime", self.session_lifetime.as_deref(), LIFETIME)
    }

    fn idle(&self) -> Result<Span, SettingsError> {
        span("/sessionIdle", self.session_idle.as_deref(), IDLE)
    }
}

fn span(pointer: &str, text: Option<&str>, absent: Span) -> Result<Span, SettingsError> {
    let span = text.map_or(Ok(absent), str::parse);
    span.ok().filter(|span| *span >= Span::seconds(1) && *span <= LONGEST).ok_or_else(|| SettingsError {
        pointer: pointer.to_owned(),
        message: "a session lasts from one second to 90 days".to_owned(),
        help: "write for example 30m, 8h or 720h".to_owned(),
    })
}

/// What everybody reads about `complete`.
pub static KIND: Kind = Kind {
    name: "complete",
    group: Group::End,
    summary: "The journey reached its goal.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let done = Done {
        guest: settings.subject.is_some(),
        lifetime: settings.lifetime()?,
        idle: settings.idle()?,
        title: text::on_page(compiler, "/title", settings.title.as_deref()),
        text: text::on_page(compiler, "/text", settings.text.as_deref()),
    };
    let idle = settings.session_idle.is_some().then_some(done.idle);
    let end = Some(End::Complete { guest: done.guest, lifetime: done.lifetime, idle });
    Ok(node::plan(Facts { end, ..Facts::default() }, done))
}

#[derive(Debug)]
struct Done {
    guest: bool,
    lifetime: Span,
    idle: Span,
    title: Option<AuthoredText>,
    text: Option<AuthoredText>,
}

impl Node for Done {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        let Event::Entered = event else { return Err(answer_mismatch("complete")) };
        let end = EndTurn::Complete(Complete {
            guest: self.guest,
            session_lifetime: self.lifetime,
            session_idle: self.idle.min(self.lifetime),
            page: Box::new(self.page(cx)?),
        });
        Ok(Turn::Finish(Box::new(Finish { end: Some(end), ..Finish::default() })))
    }
}

impl Done {
    fn page(&self, cx: &Cx<'_>) -> Result<View, Fault> {
        let lead = match (&self.title, &self.text) {
            (_, Some(text)) => Some(cx.rendered(text)?),
            (Some(_), None) => None,
            (None, None) => Some(Text::product("complete-lead")),
        };
        Ok(View {
            kind: "complete".to_owned(),
            title: text::or_product_at_last(cx, self.title.as_ref(), "complete-title")?,
            lead,
            messages: Vec::new(),
            fields: Vec::new(),
            actions: Vec::new(),
            identifier: None,
        })
    }
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({})).leaving_by("completed"),
        Example::of(
            json!({ "sessionLifetime": "2h", "sessionIdle": "1h", "subject": "Guest", "title": "hello" }),
        )
        .leaving_by("completed"),
    ]
}

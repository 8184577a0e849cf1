//! `endSessions`: signs the visitor out.
//!
//! Ends the session of this browser with everything that applications got from it, refresh tokens included, or all
//! sessions of the person: of whom a factor has proven to sit there, never of whom a form merely names. Applications are
//! not told: one that remembers the sign-in by itself has to be signed out of too.
//!
//! A link that somebody was made to follow must not do that: where the visitor has posted nothing in the journey yet, and
//! no application has shown an ID token of this very session, the step asks first, and says whose account it is. Where
//! somebody else has signed in meanwhile in another tab, it asks again. Whether somebody is signed in or not makes no
//! difference to that: who says yes and is not goes on.
//!
//! A flow of type Logout signs out by being completed: where none of its steps has ended the browser's session, it ends
//! with the last one. A flow that its author lets fail, or that the visitor cancels, ends nothing; where a step could not
//! do its work, it ends what an application's ID token has confirmed. From a flow that has failed the page leads past it,
//! to the page of idflow's own that asks and signs out. The address `/oauth2/logout?without_flow=true` is that page:
//! anybody may use it, because no flow may keep anybody signed in.
//!
//! ```yaml
//! - id: signOut
//!   endSessions: {}
//!   outcomes: { next: done }
//! ```

use idflow_core::Value;
use idflow_core::effect::EffectClass;
use idflow_core::id::SessionId;
use idflow_core::view::{Message, Severity, Text, View};
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{EndSessions, Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::{answer_mismatch, no_such_action, settings};

/// Settings of `endSessions`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// Whose sessions end. Absent means Browser.
    whose: Option<Whose>,
}

/// Whose sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
enum Whose {
    /// The one of this browser.
    Browser,
    /// All of the user whom a factor of this journey has proven, or else of whoever is signed in in this browser.
    Person,
}

/// What everybody reads about `endSessions`.
pub static KIND: Kind = Kind {
    name: "endSessions",
    group: Group::Users,
    summary: "Signs the visitor out.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, _: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let which = match settings.whose {
        Some(Whose::Person) => EndSessions::Person,
        Some(Whose::Browser) | None => EndSessions::Browser,
    };
    let facts = Facts {
        shows_page: true,
        outcomes: vec![Outcome::wired("next")],
        effects: vec![EffectClass::Idempotent],
        ends_session: true,
        ..Facts::default()
    };
    Ok(node::plan(facts, SignOut { which }))
}

/// What the page has asked about.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    session: Option<SessionId>,
}

#[derive(Debug)]
struct SignOut {
    which: EndSessions,
}

impl Node for SignOut {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered if cx.is_confirmed() => Ok(self.leave(cx)),
            Event::Entered => ask(cx, Vec::new()),
            Event::Submitted(submission) if submission.action != "next" => ask(cx, vec![no_such_action()]),
            Event::Submitted(_) if !is_answered(cx)? => ask(cx, vec![another_account()]),
            Event::Submitted(_) => Ok(self.leave(cx)),
            Event::Answered(_) => Err(answer_mismatch("endSessions")),
        }
    }
}

impl SignOut {
    fn leave(&self, cx: &mut Cx<'_>) -> Turn {
        cx.end_sessions(self.which);
        Turn::Finish(Box::new(Finish::by("next")))
    }
}

/// Asks about the session that the browser has now.
fn ask(cx: &mut Cx<'_>, messages: Vec<Message>) -> Result<Turn, Fault> {
    let signed_in = cx.signed_in();
    cx.keep(&Asked { session: signed_in.map(|signed_in| signed_in.session) })?;
    let identifier = signed_in.and_then(|signed_in| signed_in.identifier.clone());
    Ok(Turn::Show(Box::new(View { messages, ..View::sign_out(identifier) })))
}

/// Whether the answer is about the session that the browser has now, if it has one: in another tab somebody else may have
/// signed in meanwhile. A page of an earlier release has asked about none.
fn is_answered(cx: &Cx<'_>) -> Result<bool, Fault> {
    let asked: Option<Asked> = cx.state()?;
    let now = cx.signed_in().map(|signed_in| signed_in.session);
    Ok(now.is_none() || asked.is_none_or(|asked| asked.session == now))
}

fn another_account() -> Message {
    Message { severity: Severity::Warning, text: Text::product("end-sessions-another") }
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![Example::of(json!({})).pressing("next"), Example::of(json!({ "whose": "Person" })).pressing("next")]
}

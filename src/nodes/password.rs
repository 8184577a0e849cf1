//! `password`: asks for the password of the identified user, or for user name and password on one page.
//!
//! Proves the factor `pwd` (RFC 8176), and with `identify: true` also who the user is. Known and unknown names
//! behave alike in answer, time and counting (checklist E-1 to E-3).
//!
//! After five wrong passwords in a row the next is not looked at for 30 seconds, then for longer, at most for 15 minutes.
//! A browser that the user has signed in with counts for itself, so that nobody else can keep it out, and what it gets
//! right opens nothing for others; the right password from another browser and a new password begin the row anew. Mailed
//! codes and resets are counted apart: see `oneTimeCode`. The outcome `locked` means that this journey's ten tries are used
//! up.
//!
//! A wait is told by the name that was typed. While an account waits for guesses under another of its names, a password is
//! not looked at under this one either, but the page says only that it does not match: a wait would tell that both names
//! are one account's, and that there is one. This price is paid also by who types the right one, at a browser that is not
//! known, until the wait is over. The audit record `step.repeated` has the detail `closed` then.
//!
//! After eighty wrong passwords in a row from browsers that the user has not signed in with, which takes a stranger
//! about eighteen hours, no password is looked at from such a browser for as long as 90 days: nobody verifies more than a
//! hundred guesses in a row. The way in is a device that is known, a mailed code, or a reset. So offer one: have a Flow of
//! type `ResetPassword`, or a `oneTimeCode` beside the password. Fewer are forgotten sooner, each after its share of the 90
//! days.
//!
//! ```yaml
//! - id: password
//!   password: { identify: true }
//!   outcomes: { next: secondFactor }
//! ```

use idflow_core::Value;
use idflow_core::counter::Count;
use idflow_core::effect::{Answer, Ask, EffectClass, Foreseen, Submission};
use idflow_core::id::UserId;
use idflow_core::name::shown;
use idflow_core::secret::{PasswordHash, SecretText};
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::{User, UserState};
use idflow_core::view::{Action, Field, FieldType, Message, Severity, Text, View};
use idflow_core::write::Write;
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, ProofFact, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::action::{self, ActionSetting, BoundAction};
use crate::shared::guards::{Closed, Guards};
use crate::shared::throttle::{DEVICES, PASSWORD, Throttle, in_minutes};
use crate::shared::{answer_mismatch, settings};

/// Up to this wait the page says how many minutes it is.
const SHORT_WAIT: i64 = 60;

/// Settings of `password`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// Whether the page asks for the user name too. Absent means false: an earlier step has identified the user.
    identify: Option<bool>,
    /// The Directory to look the user name up in. Absent means the namespace's default Directory.
    #[schemars(length(min = 1, max = 253))]
    directory: Option<String>,
    /// More buttons, for example to a password reset; each is an outcome. Absent means none.
    #[schemars(length(max = 8))]
    actions: Option<Vec<ActionSetting>>,
}

/// What everybody reads about `password`.
pub static KIND: Kind = Kind {
    name: "password",
    group: Group::Authentication,
    summary: "Asks for the password, or for user name and password on one page.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let identify = settings.identify.unwrap_or(false);
    let lookup = identify.then(|| {
        let (directory, content) = compiler.directory(settings.directory.as_deref(), Vec::new());
        Lookup { directory, identifiers: content.identifiers }
    });
    let actions = action::compile(compiler, settings.actions.as_deref())?;
    let mut next = Outcome::wired("next").proving(ProofFact::Factor("pwd"));
    if identify {
        next = next.proving(ProofFact::Identified);
    }
    let mut outcomes = vec![next, Outcome::optional("locked")];
    outcomes.extend(action::outcomes(&actions));
    let facts = Facts {
        shows_page: true,
        outcomes,
        needs_user: !identify,
        effects: vec![EffectClass::ReadOnly],
        ..Facts::default()
    };
    Ok(node::plan(facts, Password { lookup, actions }))
}

#[derive(Debug)]
struct Password {
    lookup: Option<Lookup>,
    actions: Vec<BoundAction>,
}

#[derive(Debug)]
struct Lookup {
    directory: String,
    identifiers: Vec<String>,
}

impl Lookup {
    /// What the page calls the name: as precise as the Directory's identifiers are.
    fn label(&self) -> &'static str {
        match self.identifiers.as_slice() {
            [only] if only == "email" => "field-email",
            [only] if only == "username" => "field-username",
            _ => "field-identifier",
        }
    }

    /// What the page says when name and password do not belong together, by what it calls the name.
    fn mismatch(&self) -> &'static str {
        match self.label() {
            "field-email" => "error-credentials-email",
            "field-username" => "error-credentials-username",
            _ => "error-credentials-identifier",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "a state is named for what it expects")]
enum State {
    ExpectPost,
    ExpectUser,
    ExpectDevice { user: User },
    ExpectCounts { user: Option<User>, device: Option<String> },
    ExpectVerdict { user: Option<User>, device: Option<String> },
}

impl Node for Password {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered => self.show(cx, Problem::None),
            Event::Submitted(submission) => self.submitted(cx, &submission),
            Event::Answered(answer) => self.answered(cx, answer),
        }
    }

    /// Whoever is found, or else the name, the devices and the address: so that looking costs the same for all.
    fn foresees(&self, cx: &Cx<'_>) -> Foreseen {
        let user = cx.user().filter(|_| self.lookup.is_none());
        let guards = self.guards(cx, user, None).ok();
        let guards = guards.iter().flat_map(Guards::all).map(Throttle::key);
        let devices = cx.devices().iter().filter_map(|shown| shown.split_once('.'));
        let devices = devices.map(|(id, _)| Throttle::device(id).key());
        let of_found = self.lookup.iter().flat_map(|_| [PASSWORD.to_owned(), DEVICES.to_owned()]).collect();
        let all = user.map(|user| Throttle::devices(user).key());
        Foreseen { counters: guards.chain(devices).chain(all).collect(), of_found, names: None }
    }
}

impl Password {
    fn submitted(&self, cx: &mut Cx<'_>, submission: &Submission) -> Result<Turn, Fault> {
        let name = posted(submission, "username");
        if let Some(action) = action::pressed(&self.actions, submission) {
            let typed = name.map(|name| shown(name).into_owned());
            return Ok(Turn::Finish(Box::new(Finish { typed, ..Finish::by(action) })));
        }
        if posted(submission, "password").is_none() || self.lookup.is_some() && name.is_none() {
            return self.show(cx, Problem::Missing);
        }
        let (Some(lookup), Some(name)) = (&self.lookup, name) else {
            let user = cx.user().ok_or_else(|| Fault::new("password needs an identified user"))?;
            cx.keep(&State::ExpectUser)?;
            return Ok(Turn::Ask(Box::new(Ask::ReadUser { user })));
        };
        cx.keep(&State::ExpectUser)?;
        Ok(Turn::Ask(Box::new(Ask::FindUser {
            directory: lookup.directory.clone(),
            attributes: lookup.identifiers.clone(),
            value: name.to_owned(),
        })))
    }

    fn answered(&self, cx: &mut Cx<'_>, answer: Answer) -> Result<Turn, Fault> {
        let state: State = cx.state()?.unwrap_or(State::ExpectPost);
        match (state, answer) {
            (State::ExpectUser, Answer::User(Some(user))) if !cx.devices().is_empty() => {
                let ask = Ask::RecognizeDevice { user: user.id, devices: cx.devices().to_vec() };
                cx.keep(&State::ExpectDevice { user })?;
                Ok(Turn::Ask(Box::new(ask)))
            }
            (State::ExpectUser, Answer::User(user)) => self.count(cx, user, None),
            (State::ExpectDevice { user }, Answer::Device(device)) => self.count(cx, Some(user), device),
            (State::ExpectCounts { user, device }, Answer::Counts(counts)) => {
                self.counted(cx, user, device, &counts)
            }
            (State::ExpectVerdict { user, device }, Answer::Verified { matches, rehashed }) => match user {
                Some(user) if matches && user.state == UserState::Active => {
                    self.right(cx, user, device.as_deref(), rehashed)
                }
                user => self.wrong(cx, user.map(|user| user.id), device.as_deref()),
            },
            _ => Err(answer_mismatch("password")),
        }
    }

    /// A full counter is told before any hash is spent.
    fn counted(
        &self,
        cx: &mut Cx<'_>,
        user: Option<User>,
        device: Option<String>,
        counts: &[Count],
    ) -> Result<Turn, Fault> {
        let guards = self.guards(cx, user.as_ref().map(|user| user.id), device.as_deref())?;
        let device = device.filter(|_| !guards.are_devices_used_up(counts));
        match guards.closed(counts, device.is_some(), cx.now()) {
            Closed::Journey => return Ok(Turn::Finish(Box::new(Finish::by("locked")))),
            Closed::Until(moment) => {
                cx.wait_until(moment);
                return self.show(cx, Problem::Early(moment));
            }
            Closed::Unsaid => {
                cx.detail("closed");
                return verified(cx, None, None);
            }
            Closed::No => {}
        }
        verified(cx, user, device)
    }

    /// What stands before a verdict. Only where the name was typed to find the account is it counted by, too.
    fn guards(&self, cx: &Cx<'_>, user: Option<UserId>, device: Option<&str>) -> Result<Guards, Fault> {
        let typed = cx.submission().filter(|_| self.lookup.is_some());
        Guards::of(cx, user, typed.and_then(|submission| posted(submission, "username")), device)
    }

    fn count(&self, cx: &mut Cx<'_>, user: Option<User>, device: Option<String>) -> Result<Turn, Fault> {
        let guards = self.guards(cx, user.as_ref().map(|user| user.id), device.as_deref())?;
        let keys = guards.all().map(Throttle::key).collect();
        cx.keep(&State::ExpectCounts { user, device })?;
        Ok(Turn::Ask(Box::new(Ask::ReadCounters { keys })))
    }

    fn right(
        &self,
        cx: &mut Cx<'_>,
        user: User,
        device: Option<&str>,
        rehashed: Option<PasswordHash>,
    ) -> Result<Turn, Fault> {
        let guards = self.guards(cx, Some(user.id), device)?;
        guards.end_rows(cx, device.is_some());
        if let Some(hash) = rehashed {
            cx.write(Write::SetPassword { user: user.id, hash, ends_sessions: false });
        }
        Ok(Turn::Finish(Box::new(Finish { user: Some(user), ..Finish::by("next") })))
    }

    fn wrong(&self, cx: &mut Cx<'_>, user: Option<UserId>, device: Option<&str>) -> Result<Turn, Fault> {
        let guards = self.guards(cx, user, device)?;
        for throttle in guards.judging(device.is_some()) {
            cx.count(throttle.add());
        }
        cx.count(guards.journey.add());
        self.show(cx, Problem::Wrong)
    }

    fn show(&self, cx: &mut Cx<'_>, problem: Problem) -> Result<Turn, Fault> {
        cx.keep(&State::ExpectPost)?;
        let entered =
            |name| cx.submission().and_then(|submission| posted(submission, name)).map(str::to_owned);
        let error = |name| {
            let is_missing = problem == Problem::Missing && entered(name).is_none();
            is_missing.then(|| Text::product("error-required"))
        };
        let mut fields = Vec::new();
        if let Some(lookup) = &self.lookup {
            fields.push(Field {
                label: Text::product(lookup.label()),
                value: entered("username").or_else(|| cx.login_hint().map(str::to_owned)),
                error: error("username"),
                ..Field::asking("username", FieldType::Identifier)
            });
        }
        fields.push(Field { error: error("password"), ..Field::asking("password", FieldType::Password) });
        let wrong = self.lookup.as_ref().map_or("error-credentials", Lookup::mismatch);
        let told = match problem {
            Problem::Wrong => Some(Text::product(wrong)),
            Problem::Early(moment) => Some(early(moment.since(cx.now()))),
            Problem::None | Problem::Missing => None,
        };
        let mut actions = vec![Action::next(Text::product("password-submit"))];
        actions.extend(action::views(&self.actions, cx)?);
        Ok(Turn::Show(Box::new(View {
            kind: "password".to_owned(),
            title: Text::product("password-title"),
            lead: None,
            messages: told.map(|text| Message { severity: Severity::Error, text }).into_iter().collect(),
            fields,
            actions,
            identifier: if self.lookup.is_some() { None } else { cx.identifier() },
        })))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    None,
    /// Some field was left empty.
    Missing,
    Wrong,
    /// Before this moment no password is looked at.
    Early(Timestamp),
}

/// When to come again.
fn early(wait: Span) -> Text {
    let minutes = in_minutes(wait);
    if minutes > SHORT_WAIT {
        return Text::product("error-password-closed");
    }
    Text::with("error-password-wait", [("minutes", minutes.max(1).to_string())])
}

/// Has the password of an account judged, or of one that nobody has.
fn verified(cx: &mut Cx<'_>, user: Option<User>, device: Option<String>) -> Result<Turn, Fault> {
    let password = cx.submission().and_then(|submission| posted(submission, "password")).unwrap_or_default();
    let id = user.as_ref().map(|user| user.id);
    let ask = Ask::VerifyPassword { user: id, password: SecretText::new(password) };
    cx.keep(&State::ExpectVerdict { user, device })?;
    Ok(Turn::Ask(Box::new(ask)))
}

/// A posted text that is neither missing nor empty nor of another type.
fn posted<'a>(submission: &'a Submission, name: &str) -> Option<&'a str> {
    submission.fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({})).for_user().posts(json!({ "password": "$password" })),
        Example::of(json!({ "identify": true }))
            .posts(json!({ "username": "$email", "password": "$password" })),
        Example::of(json!({ "identify": true }))
            .for_user()
            .posts(json!({ "username": "$email", "password": "$password" })),
    ]
}

//! `password`: asks for the password of the identified user, or for user name and password on one page.
//!
//! Proves the factor `pwd` (RFC 8176), and with `identify: true` also who the user is. Known and unknown names
//! behave alike in answer, time and counting (checklist E-1 to E-3).
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
use idflow_core::secret::{PasswordHash, SecretText};
use idflow_core::user::{User, UserState};
use idflow_core::view::{Action, Field, FieldType, Message, Severity, Text, View};
use idflow_core::write::Write;
use idflow_engine::node::{self, Node};
use idflow_engine::context::Cx;
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, ProofFact, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::action::{self, ActionSetting, BoundAction};
use crate::shared::throttle::{Throttle, any_full};
use crate::shared::{answer_mismatch, settings};

/// What wrong guesses are counted as.
const FACTOR: &str = "password";

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
}

#[derive(Serialize, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "a state is named for what it expects")]
enum State {
    ExpectPost,
    ExpectUser,
    ExpectCounts { user: Option<User> },
    ExpectVerdict { user: Option<User> },
}

impl Node for Password {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered => self.show(cx, Problem::None),
            Event::Submitted(submission) => self.submitted(cx, &submission),
            Event::Answered(answer) => self.answered(cx, answer),
        }
    }

    /// Whoever is found, or else the name, and the address: so that looking costs the same for all.
    fn foresees(&self, cx: &Cx<'_>) -> Foreseen {
        let user = cx.user().filter(|_| self.lookup.is_none());
        let throttles = throttles(cx, user).unwrap_or_default();
        let of_found = self.lookup.iter().map(|_| FACTOR.to_owned()).collect();
        Foreseen { counters: throttles.iter().map(Throttle::key).collect(), of_found }
    }
}

impl Password {
    fn submitted(&self, cx: &mut Cx<'_>, submission: &Submission) -> Result<Turn, Fault> {
        if let Some(action) = action::pressed(&self.actions, submission) {
            return Ok(Turn::Finish(Box::new(Finish::by(action))));
        }
        let name = posted(submission, "username");
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
            (State::ExpectUser, Answer::User(user)) => {
                let keys = throttles(cx, user.as_ref().map(|user| user.id))?.iter().map(Throttle::key).collect();
                cx.keep(&State::ExpectCounts { user })?;
                Ok(Turn::Ask(Box::new(Ask::ReadCounters { keys })))
            }
            (State::ExpectCounts { user }, Answer::Counts(counts)) => Self::counted(cx, user, &counts),
            (State::ExpectVerdict { user }, Answer::Verified { matches, rehashed }) => match user {
                Some(user) if matches && user.state == UserState::Active => Self::right(cx, user, rehashed),
                user => self.wrong(cx, user.map(|user| user.id)),
            },
            _ => Err(answer_mismatch("password")),
        }
    }

    fn counted(cx: &mut Cx<'_>, user: Option<User>, counts: &[Count]) -> Result<Turn, Fault> {
        let id = user.as_ref().map(|user| user.id);
        if any_full(&throttles(cx, id)?, counts) {
            return Ok(Turn::Finish(Box::new(Finish::by("locked"))));
        }
        let password = cx.submission().and_then(|submission| posted(submission, "password")).unwrap_or_default();
        let ask = Ask::VerifyPassword { user: id, password: SecretText::new(password) };
        cx.keep(&State::ExpectVerdict { user })?;
        Ok(Turn::Ask(Box::new(ask)))
    }

    fn right(cx: &mut Cx<'_>, user: User, rehashed: Option<PasswordHash>) -> Result<Turn, Fault> {
        // A success clears the account's counter only: the address may be guessing at many accounts.
        if let Some(account) = throttles(cx, Some(user.id))?.first() {
            cx.count(account.reset());
        }
        if let Some(hash) = rehashed {
            cx.write(Write::SetPassword { user: user.id, hash, ends_sessions: false });
        }
        Ok(Turn::Finish(Box::new(Finish { user: Some(user), ..Finish::by("next") })))
    }

    fn wrong(&self, cx: &mut Cx<'_>, user: Option<UserId>) -> Result<Turn, Fault> {
        for throttle in throttles(cx, user)? {
            cx.count(throttle.add());
        }
        self.show(cx, Problem::Wrong)
    }

    fn show(&self, cx: &mut Cx<'_>, problem: Problem) -> Result<Turn, Fault> {
        cx.keep(&State::ExpectPost)?;
        let entered = |name| cx.submission().and_then(|submission| posted(submission, name)).map(str::to_owned);
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
        let wrong = Message { severity: Severity::Error, text: Text::product("error-credentials") };
        let mut actions = vec![Action::next(Text::product("password-submit"))];
        actions.extend(action::views(&self.actions, cx)?);
        Ok(Turn::Show(Box::new(View {
            kind: "password".to_owned(),
            title: Text::product("password-title"),
            lead: None,
            messages: if problem == Problem::Wrong { vec![wrong] } else { Vec::new() },
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
}

/// The account's counter first, then the address's.
fn throttles(cx: &Cx<'_>, user: Option<UserId>) -> Result<Vec<Throttle>, Fault> {
    let account = match (user, cx.submission().and_then(|submission| posted(submission, "username"))) {
        (Some(user), _) => Throttle::user(FACTOR, user),
        (None, Some(name)) => Throttle::name(FACTOR, name),
        (None, None) => return Err(Fault::new("password counts without an account")),
    };
    let mut throttles = vec![account];
    throttles.extend(cx.client_address().map(|address| Throttle::client(FACTOR, address)));
    Ok(throttles)
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
        Example::of(json!({ "identify": true })).posts(json!({ "username": "$email", "password": "$password" })),
        Example::of(json!({ "identify": true }))
            .for_user()
            .posts(json!({ "username": "$email", "password": "$password" })),
    ]
}

//! `createUser`: creates a user in a Directory.
//!
//! Identifies the new user. An address attribute counts as verified when this journey has proven it. If another
//! user already has the value of an attribute that must be unique, nothing is created and the outcome is `exists`.
//!
//! What is created is a reservation until the journey gives the user a first credential (`setPassword`) or completes.
//! Until then it is nobody to everybody else, and after 24 hours it is gone. It keeps its values from nobody, unless this
//! journey has proven the address: then only from who has not. Of several sign-ups whoever is finished first has the
//! values, nothing of the others stays, and they are told to start again. So prove the address first: where the
//! credential comes before the proof, whoever types an address first has it.
//!
//! A name that mixes scripts, and so may look like another, is created and told in the step's security event and by
//! `idflow users duplicates`.
//!
//! ```yaml
//! - id: account
//!   createUser: { attributes: { email: form.email, name: form.name } }
//!   outcomes: { next: newPassword, exists: accountExists }
//! ```

use idflow_core::effect::{Answer, Ask, EffectClass};
use idflow_core::id::UserId;
use idflow_core::name::mixes_scripts;
use idflow_core::time::Span;
use idflow_core::user::{Reservation, User, UserState};
use idflow_core::write::Write;
use idflow_core::{Data, Value};
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, ProofFact, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::answer_mismatch;
use crate::shared::attributes::{Attributes, check_groups, is_proven};
use crate::shared::settings::{self, Sources};

/// How long a sign-up that is not finished keeps its values.
const RESERVED: Span = Span::hours(24);

/// Settings of `createUser`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The Directory to create the user in. Absent means the namespace's default Directory.
    #[schemars(length(min = 1, max = 253))]
    directory: Option<String>,
    /// The new user's attributes: the attribute's name, and a CEL expression for its value. A value that is null
    /// or an empty text leaves the attribute out.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 64))]
    attributes: Sources,
    /// The groups that the new user is in: fixed names, so that nothing that a visitor enters chooses rights. Absent: none.
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 128)))]
    groups: Option<Vec<String>>,
}

/// What everybody reads about `createUser`.
pub static KIND: Kind = Kind {
    name: "createUser",
    group: Group::Users,
    summary: "Creates a user in a Directory.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let directory = settings.directory.as_deref();
    let attributes = Attributes::compile(compiler, KIND.name, directory, &settings.attributes);
    let all = attributes.content.attributes.iter();
    let required = all.filter(|(_, attribute)| attribute.required).map(|(name, _)| name);
    let facts = Facts {
        missing_attributes: required
            .filter(|name| !settings.attributes.contains_key(*name))
            .cloned()
            .collect(),
        outcomes: vec![
            Outcome::wired("next").proving(ProofFact::Identified).proving(ProofFact::Created),
            Outcome::wired("exists"),
        ],
        effects: vec![EffectClass::Idempotent],
        ..Facts::default()
    };
    let groups = settings.groups.unwrap_or_default();
    check_groups("/groups", &groups)?;
    Ok(node::plan(facts, CreateUser { attributes, groups }))
}

#[derive(Debug)]
struct CreateUser {
    attributes: Attributes,
    groups: Vec<String>,
}

/// Which unique attributes were found free so far, and the values to create the user with.
#[derive(Serialize, Deserialize)]
struct ExpectLookup {
    attributes: Data,
    checked: usize,
}

impl Node for CreateUser {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            // Somebody has a value that was not looked for: it was not unique when the flow was written.
            Event::Entered if cx.is_taken() => Ok(Turn::Finish(Box::new(Finish::by("exists")))),
            Event::Entered => {
                let attributes = self.evaluated(cx)?;
                self.look_up_or_create(cx, ExpectLookup { attributes, checked: 0 })
            }
            Event::Answered(Answer::User(holder)) => {
                let state: ExpectLookup = cx.state()?.ok_or_else(|| answer_mismatch("createUser"))?;
                if holder.is_some_and(|holder| !self.may_take_over(cx, &state, &holder)) {
                    return Ok(Turn::Finish(Box::new(Finish::by("exists"))));
                }
                self.look_up_or_create(cx, ExpectLookup { checked: state.checked + 1, ..state })
            }
            Event::Answered(_) | Event::Submitted(_) => Err(answer_mismatch("createUser")),
        }
    }
}

impl CreateUser {
    fn evaluated(&self, cx: &Cx<'_>) -> Result<Data, Fault> {
        let given = self.attributes.evaluate(cx)?.into_iter();
        self.attributes.complete(given.filter_map(|(name, value)| Some((name, value?))).collect())
    }

    fn look_up_or_create(&self, cx: &mut Cx<'_>, state: ExpectLookup) -> Result<Turn, Fault> {
        if let Some((name, value)) = self.looked_up(&state) {
            let ask = Ask::FindHolder {
                directory: self.attributes.directory.clone(),
                attribute: name.clone(),
                value: value.to_owned(),
            };
            cx.keep(&state)?;
            return Ok(Turn::Ask(Box::new(ask)));
        }
        let user = self.user(cx, state.attributes);
        let is_mixed = |name: &String| user.text(name).is_some_and(mixes_scripts);
        let detail = self.attributes.unique().iter().any(is_mixed).then(|| "a name mixes scripts".to_owned());
        cx.write(Write::CreateUser { user: user.clone(), unique: self.attributes.unique() });
        Ok(Turn::Finish(Box::new(Finish { user: Some(user), detail, ..Finish::by("next") })))
    }

    /// The value that is looked up next.
    fn looked_up<'s>(&self, state: &'s ExpectLookup) -> Option<(String, &'s str)> {
        let present = self.attributes.unique().into_iter().filter_map(|name| {
            let value = state.attributes.get(&name)?.as_str()?;
            Some((name, value))
        });
        { present }.nth(state.checked)
    }

    /// Whether the value that was looked up may be this sign-up's all the same: of a reservation that has not proven it,
    /// or when this one has, or will have before it is finished. The commit that makes a user of it judges anew.
    fn may_take_over(&self, cx: &Cx<'_>, state: &ExpectLookup, holder: &User) -> bool {
        let Some((attribute, value)) = self.looked_up(state) else { return false };
        let gives_way = !holder.has_proven(&attribute);
        holder.reserved.is_some() && (gives_way || is_proven(cx, value) || cx.proves_before_finishing())
    }

    fn user(&self, cx: &Cx<'_>, attributes: Data) -> User {
        let proven = |value: &Value| value.as_str().is_some_and(|text| is_proven(cx, text));
        User {
            id: UserId::random(cx.chance()),
            directory: self.attributes.directory.clone(),
            verified: attributes
                .iter()
                .filter(|(_, value)| proven(value))
                .map(|(name, _)| name.clone())
                .collect(),
            attributes,
            groups: self.groups.clone(),
            state: UserState::Active,
            created: cx.now(),
            updated: cx.now(),
            reserved: Some(Reservation { until: cx.now().plus(RESERVED), unique: Vec::new() }),
        }
    }
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "attributes": { "email": "form.email" } })),
        Example::of(json!({ "attributes": { "email": "form.email" }, "groups": ["customers"] })),
        Example::of(json!({ "attributes": { "email": "'ada@example.org'" } })).leaving_by("exists"),
        Example::of(json!({ "attributes": { "name": "form.email" } })).leaving_by("error"),
    ]
}

//! `updateUser`: changes the identified user's attributes and groups.
//!
//! Only somebody who has shown to be the user gets here, as at `setPassword`; without that the step ends by `error`. An
//! attribute that gets null or an empty text is taken away. If another user already has the value of an attribute that
//! must be unique, nothing is changed and the outcome is `exists`, which has to be wired where such an attribute changes.
//!
//! An address that people are found by, or that the user has proven, changes only to one that this journey has proven:
//! put a `oneTimeCode` to the new address before. The old address gets a `notice` of the change. Who is called otherwise
//! from now on is signed out everywhere, in this browser too, and this journey goes on.
//!
//! ```yaml
//! - id: change
//!   updateUser: { attributes: { email: steps.code.address }, notice: { connection: mail } }
//!   outcomes: { next: done, exists: taken }
//! ```

use idflow_core::effect::{Answer, Ask, EffectClass};
use idflow_core::name::{canonical, is_same, reads_as_address};
use idflow_core::user::{MOST_GROUPS, User};
use idflow_core::write::Write;
use idflow_core::{Data, Value};
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, NewValue, Outcome, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan, place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::answer_mismatch;
use crate::shared::attributes::{self, Attributes, check_groups, is_proven, is_shown_to_be_the_user};
use crate::shared::notice::{Notice, NoticeSetting};
use crate::shared::settings::{self, Sources};

/// Settings of `updateUser`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The Directory that the user lives in. Absent means the namespace's default Directory.
    #[schemars(length(min = 1, max = 253))]
    directory: Option<String>,
    /// What changes: the attribute's name, and a CEL expression for its new value. A value that is null or an empty text
    /// takes the attribute away. Absent: none.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 64))]
    attributes: Option<Sources>,
    /// In which groups the user is from now on: fixed names, so that nothing that a visitor enters chooses rights. Absent:
    /// the same as before.
    groups: Option<Groups>,
    /// Tells the old address of a change. Wanted where an address changes that people are found by. Absent: nobody is told.
    notice: Option<NoticeSetting>,
}

/// Groups that change.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Groups {
    /// Groups that the user gets into. Absent: none.
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 128)))]
    add: Option<Vec<String>>,
    /// Groups that the user leaves. Absent: none.
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 128)))]
    remove: Option<Vec<String>>,
}

/// What everybody reads about `updateUser`.
pub static KIND: Kind = Kind {
    name: "updateUser",
    group: Group::Users,
    summary: "Changes the identified user's attributes and groups.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let groups = settings.groups.unwrap_or_default();
    let (add, remove) = (groups.add.unwrap_or_default(), groups.remove.unwrap_or_default());
    check_groups("/groups/add", &add)?;
    check_groups("/groups/remove", &remove)?;
    if settings.attributes.is_none() && add.is_empty() && remove.is_empty() {
        return Err(SettingsError {
            pointer: String::new(),
            message: "nothing is changed".to_owned(),
            help: "write attributes or groups".to_owned(),
        });
    }
    let sources = settings.attributes.unwrap_or_default();
    let attributes = Attributes::compile(compiler, KIND.name, settings.directory.as_deref(), &sources);
    let notice = settings.notice.map(|notice| Notice::compile(compiler, notice, "mail-address-changed"));
    let mut outcomes = vec![Outcome::wired("next")];
    let needs_wire = sources.keys().any(|name| attributes.is_unique(name));
    outcomes.extend((!sources.is_empty()).then(|| Outcome { needs_wire, ..Outcome::wired("exists") }));
    let effects = if notice.is_some() { vec![EffectClass::AtMostOnce] } else { vec![EffectClass::Idempotent] };
    let changes = attributes.expressions().iter().map(|(name, expression)| NewValue {
        pointer: attributes::pointer(name),
        attribute: name.clone(),
        place: place(expression),
        is_told: notice.is_some(),
    });
    let facts = Facts {
        needs_user: true,
        changes_user: Some(attributes.directory.clone()),
        changes: changes.collect(),
        outcomes,
        effects,
        ..Facts::default()
    };
    Ok(node::plan(facts, UpdateUser { attributes, add, remove, notice }))
}

#[derive(Debug)]
struct UpdateUser {
    attributes: Attributes,
    add: Vec<String>,
    remove: Vec<String>,
    notice: Option<Notice>,
}

/// The user before and after, and which new names were found free so far.
#[derive(Serialize, Deserialize)]
struct Change {
    previous: User,
    after: User,
    checked: usize,
}

#[derive(Serialize, Deserialize)]
enum State {
    ExpectUser,
    ExpectLookup(Box<Change>),
}

impl Node for UpdateUser {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        if !is_shown_to_be_the_user(cx, &self.attributes.unique()) {
            return Err(Fault::new("updateUser was reached without proof that the visitor is the user"));
        }
        match event {
            // Somebody has a value that was not looked for: it was not unique when the flow was written.
            Event::Entered if cx.is_taken() => self.exists(),
            Event::Entered => {
                let user = cx.user().ok_or_else(|| Fault::new("updateUser needs an identified user"))?;
                cx.keep(&State::ExpectUser)?;
                Ok(Turn::Ask(Box::new(Ask::ReadUser { user })))
            }
            Event::Answered(Answer::User(found)) => match (cx.state()?, found) {
                (Some(State::ExpectUser), Some(previous)) => {
                    self.attributes.check_directory(&previous)?;
                    let after = self.changed(cx, &previous)?;
                    self.look_up_or_write(cx, Change { previous, after, checked: 0 })
                }
                (Some(State::ExpectUser), None) => Err(Fault::new("updateUser: the user is gone")),
                (Some(State::ExpectLookup(change)), holder) => {
                    if holder.is_some_and(|holder| !self.may_have(cx, &change, &holder)) {
                        return self.exists();
                    }
                    self.look_up_or_write(cx, Change { checked: change.checked + 1, ..*change })
                }
                (None, _) => Err(answer_mismatch("updateUser")),
            },
            Event::Answered(_) | Event::Submitted(_) => Err(answer_mismatch("updateUser")),
        }
    }
}

impl UpdateUser {
    fn exists(&self) -> Result<Turn, Fault> {
        if self.attributes.expressions().iter().next().is_some() {
            return Ok(Turn::Finish(Box::new(Finish::by("exists"))));
        }
        Err(Fault::new("updateUser: what the account is called may be somebody else's address"))
    }

    fn changed(&self, cx: &Cx<'_>, previous: &User) -> Result<User, Fault> {
        let mut attributes: Data = previous.attributes.clone();
        for (name, value) in self.attributes.evaluate(cx)? {
            match value {
                Some(value) => drop(attributes.insert(name, value)),
                None => drop(attributes.remove(&name)),
            }
        }
        let after = User { attributes: self.attributes.complete(attributes)?, groups: self.groups(previous)?, ..previous.clone() };
        self.check_addresses(cx, previous, &after)?;
        // What the journey has shown of the new values is noted with the commit.
        let stays = |name: &&String| changed(previous, &after).all(|changed| changed != *name);
        let verified = after.verified.iter().filter(stays).cloned().collect();
        Ok(User { verified, ..after })
    }

    fn groups(&self, previous: &User) -> Result<Vec<String>, Fault> {
        let kept = previous.groups.iter().filter(|group| !self.remove.contains(group));
        let added = self.add.iter().filter(|group| !previous.groups.contains(group));
        let groups: Vec<String> = kept.chain(added).cloned().collect();
        if groups.len() > MOST_GROUPS {
            return Err(Fault::new(format!("updateUser: a user is in at most {MOST_GROUPS} groups")));
        }
        Ok(groups)
    }

    /// Nobody gets an address that they have not shown to read, where they would be found by it or are known to read the
    /// one before.
    fn check_addresses(&self, cx: &Cx<'_>, previous: &User, after: &User) -> Result<(), Fault> {
        for name in changed(previous, after) {
            let counts = self.attributes.is_unique(name) || previous.has_proven(name);
            let new = after.text(name).filter(|text| counts && reads_as_address(text));
            let is_own = |address: &str| {
                let mut own = self.attributes.unique().into_iter();
                own.any(|other| previous.text(&other).is_some_and(|text| is_same(text, address)))
            };
            if new.is_some_and(|address| !is_proven(cx, address) && !is_own(address)) {
                return Err(Fault::new(format!(
                    "updateUser: nobody has shown to read the new address in {name}; let a oneTimeCode prove it before"
                )));
            }
        }
        Ok(())
    }

    fn look_up_or_write(&self, cx: &mut Cx<'_>, change: Change) -> Result<Turn, Fault> {
        if let Some((attribute, value)) = self.looked_up(&change) {
            let directory = self.attributes.directory.clone();
            let ask = Ask::FindHolder { directory, attribute, value: value.to_owned() };
            cx.keep(&State::ExpectLookup(Box::new(change)))?;
            return Ok(Turn::Ask(Box::new(ask)));
        }
        let Change { previous, after, .. } = change;
        if previous.attributes == after.attributes && previous.groups == after.groups {
            return Ok(Turn::Finish(Box::new(Finish::by("next"))));
        }
        let user = User { updated: cx.now(), ..after };
        self.notify(cx, &previous, &user);
        let unique = self.attributes.unique();
        cx.write(Write::UpdateUser { user: user.clone(), previous, unique });
        Ok(Turn::Finish(Box::new(Finish { user: Some(user), ..Finish::by("next") })))
    }

    /// The new name that is looked up next.
    fn looked_up<'c>(&self, change: &'c Change) -> Option<(String, &'c str)> {
        let new = changed(&change.previous, &change.after).filter(|name| self.attributes.is_unique(name));
        let values = new.filter_map(|name| Some((name.clone(), change.after.text(name)?)));
        { values }.nth(change.checked)
    }

    /// Whether the value that was looked up may become the user's all the same: it is theirs, or one of a sign-up that is
    /// not finished and has not proven it. The commit judges anew.
    fn may_have(&self, cx: &Cx<'_>, change: &Change, holder: &User) -> bool {
        let Some((attribute, value)) = self.looked_up(change) else { return false };
        let gives_way = !holder.has_proven(&attribute) || is_proven(cx, value);
        holder.id == change.previous.id || holder.reserved.is_some() && gives_way
    }

    /// Tells every address that was the user's and is no longer.
    fn notify(&self, cx: &mut Cx<'_>, previous: &User, after: &User) {
        let is_known = |name: &&String| self.attributes.is_unique(name) || previous.has_proven(name);
        if let Some(notice) = &self.notice {
            notice.send(cx, previous, changed(previous, after).filter(is_known));
        }
    }
}

/// The attributes that are another value than before, by the form in which names are compared.
fn changed<'u>(previous: &'u User, after: &'u User) -> impl Iterator<Item = &'u String> {
    let form = |user: &User, name: &str| match user.attributes.get(name) {
        Some(Value::String(text)) => Some(Value::String(canonical(text))),
        other => other.cloned(),
    };
    let names = previous.attributes.keys().chain(after.attributes.keys().filter(|name| !previous.attributes.contains_key(*name)));
    names.filter(move |name| form(previous, name) != form(after, name))
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "attributes": { "name": "form.email" } })).resting_on_evidence(),
        Example::of(json!({ "attributes": { "email": "'ada@example.org'" }, "groups": { "add": ["staff"], "remove": ["guests"] }, "notice": { "connection": "mail" } }))
            .resting_on_evidence(),
        Example::of(json!({ "attributes": { "email": "form.email" }, "notice": { "connection": "mail" } }))
            .resting_on_evidence()
            .leaving_by("error"),
    ]
}

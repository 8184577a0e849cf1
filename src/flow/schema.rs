//! Checks custom resources as the API server does, and a little further: form, then rules, then values that cannot work.
//!
//! Lint and `idflow dev` ask about objects of files; the operator about objects of the cluster, which may be older than
//! a rule. One mechanism, so that they never disagree.

mod metadata;
mod rules;
#[cfg(test)]
mod tests;
mod walk;
mod words;

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use idflow_api::ResourceKind;
use idflow_api::crd::{self, KindSchema};
use idflow_core::Value;
use regex::Regex;

use crate::diagnostic::{Finding, ObjectId, Severity};
use crate::formats::accepted;
use crate::kinds::Kinds;
use crate::lint::unusable_value;
use crate::source::Object;
use rules::{Rules, VALIDATIONS};
use walk::Walk;

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";

/// The schemas of the kinds, each made when the first object of its kind is checked.
pub struct Schemas {
    kinds: Kinds,
    by_kind: BTreeMap<ResourceKind, OnceLock<Value>>,
    patterns: Mutex<BTreeMap<String, Option<Regex>>>,
    rules: Rules,
}

impl Schemas {
    /// The schemas, with those of the node kinds joined in.
    pub fn new(kinds: Kinds) -> Self {
        let by_kind = ResourceKind::ALL.iter().map(|kind| (*kind, OnceLock::new())).collect();
        Self { kinds, by_kind, patterns: Mutex::default(), rules: Rules::default() }
    }

    /// The schema of a kind by its name; nothing for a kind that is not ours.
    fn of(&self, kind: &str) -> Option<&Value> {
        let kind = ResourceKind::named(kind)?;
        Some(self.by_kind.get(&kind)?.get_or_init(|| schema(kind, self.kinds)))
    }

    /// What is refused in an object of a file. Where the text is wrong already, the rest is not guessed.
    pub fn check(&self, object: &Object) -> Vec<Finding> {
        let (id, value) = (object.id(), &object.value);
        let mut findings = self.form(&id, value);
        findings.retain(|finding| !object.faulty.iter().any(|pointer| pointer == finding.place.pointer()));
        if object.faulty.is_empty() && !findings.iter().any(is_error) {
            findings.extend(self.further(&id, value));
        }
        findings
    }

    /// What is refused in an object of the cluster.
    pub fn judge(&self, kind: ResourceKind, name: &str, value: &Value) -> Vec<Finding> {
        let id = ObjectId::new(kind.as_str(), name);
        let mut findings = self.form(&id, value);
        if !findings.iter().any(is_error) {
            findings.extend(self.further(&id, value));
        }
        findings
    }

    /// Whether every field has its form.
    fn form(&self, id: &ObjectId, value: &Value) -> Vec<Finding> {
        let mut findings = metadata::check(id, value);
        let mut walk = Walk::new(self, id);
        match self.of(&id.kind) {
            Some(schema) => {
                walk.object_members(value, schema, "", &["apiVersion", "kind", "metadata", "status"]);
            }
            None => walk.core_object(value),
        }
        findings.extend(walk.findings);
        findings
    }

    /// What takes for granted that every field has its form: rules, and values that cannot work.
    fn further(&self, id: &ObjectId, value: &Value) -> Vec<Finding> {
        let mut findings = match self.of(&id.kind) {
            Some(schema) => self.rules.broken(id, value, schema),
            None => Vec::new(),
        };
        findings.extend(unusable_value::find(id, value, self.kinds));
        findings
    }

    /// The rules that are about a change, so that a file alone neither keeps nor breaks them: place and message.
    pub fn about_changes(&self) -> Vec<(String, String)> {
        let users = ResourceKind::written_by_users();
        users.flat_map(|kind| rules::about_changes(kind, self.of(kind.as_str()))).collect()
    }

    fn matches(&self, pattern: &str, text: &str) -> bool {
        let mut patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        let regex = patterns.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

/// The schemas of the node kinds' settings as the definitions have them: with the old words that are still accepted.
pub fn node_schemas(kinds: Kinds) -> Vec<KindSchema> {
    kinds.0.iter().map(|kind| accepted::with_old_words(kind)).collect()
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

fn schema(kind: ResourceKind, kinds: Kinds) -> Value {
    let Some(steps) = kind.steps() else { return crd::schema(kind, &[]) };
    let mut schema = crd::schema(kind, &node_schemas(kinds));
    if let Some(step) = schema.pointer_mut(steps).and_then(Value::as_object_mut) {
        // Their node objects are judged by `unknown-node-kind`.
        step.insert(PRESERVE.to_owned(), Value::Bool(true));
        step.remove(VALIDATIONS);
    }
    schema
}

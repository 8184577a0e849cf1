//! The CEL rules of a schema, evaluated by our own gate: what has no API server before it (`idflow dev`, `idflow
//! lint`), or is older than the rule (in the cluster), is judged as one would. A rule over a change (`oldSelf`) has
//! nothing to compare in an object alone.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use idflow_api::ResourceKind;
use idflow_core::{Data, Value};
use idflow_sandbox::{Budget, Expression};

use super::words::described_by;
use crate::diagnostic::{Finding, ObjectId, path, token};
use crate::lint::broken_rule;

/// The extension that holds a schema's rules.
pub(super) const VALIDATIONS: &str = "x-kubernetes-validations";

/// As much as the API server's own cost limit allows, by a wide margin.
const BUDGET: Budget = Budget(1_000_000);

/// Compiled rules by their source. One that does not compile refuses everything.
#[derive(Default)]
pub(super) struct Rules(Mutex<BTreeMap<String, Option<Expression>>>);

/// The object whose rules are looked at.
struct Judged<'a> {
    id: &'a ObjectId,
    findings: Vec<Finding>,
}

impl Rules {
    /// Every rule that an object breaks.
    pub(super) fn broken(&self, id: &ObjectId, value: &Value, schema: &Value) -> Vec<Finding> {
        let mut judged = Judged { id, findings: Vec::new() };
        // As the API server does: what is null is not there.
        self.walk(&without_nulls(value), schema, "", &mut judged);
        judged.findings
    }

    fn walk(&self, value: &Value, schema: &Value, pointer: &str, judged: &mut Judged<'_>) {
        for rule in of(schema) {
            if !self.holds(text(rule, "rule"), value) {
                judged.findings.push(finding(judged.id, rule, schema, pointer));
            }
        }
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let known = schema.get("properties").and_then(|properties| properties.get(name));
                    if let Some(schema) = known.or_else(|| schema.get("additionalProperties")) {
                        self.walk(member, schema, &format!("{pointer}/{}", token(name)), judged);
                    }
                }
            }
            Value::Array(items) => {
                let Some(schema) = schema.get("items") else { return };
                for (index, item) in items.iter().enumerate() {
                    self.walk(item, schema, &format!("{pointer}/{index}"), judged);
                }
            }
            _ => {}
        }
    }

    fn holds(&self, rule: &str, value: &Value) -> bool {
        let mut compiled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let expression = compiled.entry(rule.to_owned()).or_insert_with(|| Expression::compile(rule).ok());
        let Some(expression) = expression else { return false };
        is_about_a_change(expression)
            || expression
                .holds(&Data::from_iter([("self".to_owned(), value.clone())]), BUDGET)
                .unwrap_or(false)
    }
}

fn of(schema: &Value) -> impl Iterator<Item = &Value> {
    schema.get(VALIDATIONS).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(rule: &'a Value, name: &str) -> &'a str {
    rule.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn is_about_a_change(expression: &Expression) -> bool {
    expression.references().iter().any(|read| read.root() == "oldSelf")
}

fn finding(id: &ObjectId, rule: &Value, schema: &Value, pointer: &str) -> Finding {
    let place = id.at(format!("{pointer}{}", field(rule, pointer)));
    let help = described_by(schema).filter(|_| schema.get("type").and_then(Value::as_str) == Some("string"));
    let help = help.unwrap_or_else(|| {
        let at = path(&Value::Null, pointer);
        format!(
            "change it accordingly; `kubectl explain {}.{at}` describes the fields",
            id.kind.to_lowercase()
        )
    });
    broken_rule::RULE.at(place, text(rule, "message"), help.replace(".`", "`"))
}

/// Where below its schema a rule says the fault is. Of the whole object rules see little more than the name.
fn field(rule: &Value, pointer: &str) -> String {
    match text(rule, "fieldPath") {
        "" if pointer.is_empty() => "/metadata/name".to_owned(),
        path => path.replace('.', "/"),
    }
}

/// The object with nothing in place of nulls.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, member)| !member.is_null());
            Value::Object(kept.map(|(name, member)| (name.clone(), without_nulls(member))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// The rules of a kind that are about a change: place and message.
pub(super) fn about_changes(kind: ResourceKind, schema: Option<&Value>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(schema) = schema {
        gather(&mut Vec::new(), schema, &mut found);
    }
    found.into_iter().map(|(path, message)| (format!("{kind} {path}"), message)).collect()
}

fn gather<'a>(path: &mut Vec<&'a str>, schema: &'a Value, found: &mut Vec<(String, String)>) {
    for rule in of(schema) {
        if Expression::compile(text(rule, "rule")).is_ok_and(|rule| is_about_a_change(&rule)) {
            found.push((path.join("."), text(rule, "message").to_owned()));
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let items =
        ["items", "additionalProperties"].into_iter().filter_map(|key| Some(("[]", schema.get(key)?)));
    for (name, below) in properties.map(|(name, below)| (name.as_str(), below)).chain(items) {
        path.push(name);
        gather(path, below, found);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::kinds::Kinds;
    use crate::schema::Schemas;

    /// Every text in a schema under this key.
    fn texts<'a>(schema: &'a Value, key: &str, found: &mut Vec<&'a str>) {
        match schema {
            Value::Object(members) => {
                found.extend(members.get(key).and_then(Value::as_str));
                members.values().for_each(|member| texts(member, key, found));
            }
            Value::Array(items) => items.iter().for_each(|item| texts(item, key, found)),
            _ => {}
        }
    }

    #[test]
    fn every_rule_and_pattern_of_every_custom_resource_is_one_that_we_can_judge() {
        let schemas = Schemas::new(Kinds(&[]));
        let (mut rules, mut patterns) = (Vec::new(), Vec::new());
        for schema in ResourceKind::ALL.iter().filter_map(|kind| schemas.of(kind.as_str())) {
            texts(schema, "rule", &mut rules);
            texts(schema, "pattern", &mut patterns);
        }
        assert!(rules.len() > 20 && patterns.len() > 20);
        for rule in rules {
            assert!(Expression::compile(rule).is_ok(), "{rule}: {:?}", Expression::compile(rule));
        }
        for pattern in patterns {
            assert!(regex::Regex::new(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn what_is_about_a_change_is_listed_and_nothing_else() {
        let listed = Schemas::new(Kinds(&[])).about_changes();
        let places: Vec<&str> = listed.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["Tenant spec.issuer", "Tenant spec.namespace", "Tenant spec.store.embedded"]);
        assert!(listed.iter().all(|(_, message)| message.contains("cannot be changed")), "{listed:?}");
    }
}

//! The CEL rules of a schema, evaluated by our own gate: what has no API server before it (`idflow dev`, `idflow
//! lint`) refuses what one would. A rule over a change (`oldSelf`) has nothing to compare in a file.

use std::cell::RefCell;
use std::collections::BTreeMap;

use idflow_core::{Data, Value};
use idflow_sandbox::{Budget, Expression};

use crate::diagnostic::{Finding, token};
use crate::lint::broken_rule;
use crate::source::Object;

/// The extension that holds a schema's rules.
pub(super) const VALIDATIONS: &str = "x-kubernetes-validations";

/// As much as the API server's own cost limit allows, by a wide margin.
const BUDGET: Budget = Budget(1_000_000);

/// Compiled rules by their source. One that does not compile refuses everything.
#[derive(Default)]
pub(super) struct Rules(RefCell<BTreeMap<String, Option<Expression>>>);

impl Rules {
    /// Every rule that an object breaks.
    pub(super) fn broken(&self, object: &Object, schema: &Value) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.walk(object, &object.value, schema, "", &mut findings);
        findings
    }

    fn walk(
        &self,
        object: &Object,
        value: &Value,
        schema: &Value,
        pointer: &str,
        findings: &mut Vec<Finding>,
    ) {
        for rule in schema.get(VALIDATIONS).and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default();
            if !self.holds(text("rule"), value) {
                let help = format!("change it until this holds: {}", text("rule"));
                findings.push(broken_rule::RULE.at(object.id().at(pointer), text("message"), help));
            }
        }
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let known = schema.get("properties").and_then(|properties| properties.get(name));
                    if let Some(schema) = known.or_else(|| schema.get("additionalProperties")) {
                        self.walk(object, member, schema, &format!("{pointer}/{}", token(name)), findings);
                    }
                }
            }
            Value::Array(items) => {
                let Some(schema) = schema.get("items") else { return };
                for (index, item) in items.iter().enumerate() {
                    self.walk(object, item, schema, &format!("{pointer}/{index}"), findings);
                }
            }
            _ => {}
        }
    }

    fn holds(&self, rule: &str, value: &Value) -> bool {
        let mut compiled = self.0.borrow_mut();
        let expression = compiled.entry(rule.to_owned()).or_insert_with(|| Expression::compile(rule).ok());
        let Some(expression) = expression else { return false };
        let is_about_a_change = expression.references().iter().any(|read| read.root() == "oldSelf");
        is_about_a_change
            || expression
                .holds(&Data::from_iter([("self".to_owned(), value.clone())]), BUDGET)
                .unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idflow_api::ResourceKind;

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
}

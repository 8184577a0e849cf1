//! Checks objects of files against the schemas that the API server would check them against.

mod rules;
#[cfg(test)]
mod tests;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use idflow_api::ResourceKind;
use idflow_api::crd::{self, KindSchema};
use idflow_core::Value;
use regex::Regex;

use crate::diagnostic::{Finding, Rule, nearest, token};
use crate::kinds::Kinds;
use crate::lint::{invalid_value, missing_field, unknown_field};
use crate::source::Object;
use rules::{Rules, VALIDATIONS};

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";

/// The schemas of the kinds, each made when the first object of its kind is checked.
pub struct Schemas {
    kinds: Kinds,
    by_kind: BTreeMap<ResourceKind, OnceCell<Value>>,
    patterns: RefCell<BTreeMap<String, Option<Regex>>>,
    rules: Rules,
}

impl Schemas {
    /// The schemas, with those of the node kinds joined in.
    pub fn new(kinds: Kinds) -> Self {
        let by_kind = ResourceKind::ALL.iter().map(|kind| (*kind, OnceCell::new())).collect();
        Self { kinds, by_kind, patterns: RefCell::default(), rules: Rules::default() }
    }

    /// The schema of a kind by its name; nothing for a kind that is not ours.
    fn of(&self, kind: &str) -> Option<&Value> {
        let kind = ResourceKind::named(kind)?;
        Some(self.by_kind.get(&kind)?.get_or_init(|| schema(kind, self.kinds)))
    }

    /// Which of its kind's rules an object breaks. They take for granted that every field has its form.
    pub fn broken_rules(&self, object: &Object) -> Vec<Finding> {
        self.of(&object.kind).map(|schema| self.rules.broken(object, schema)).unwrap_or_default()
    }

    /// What the API server would refuse in an object.
    pub fn check(&self, object: &Object) -> Vec<Finding> {
        let mut walk = Walk { schemas: self, object, findings: Vec::new() };
        match self.of(&object.kind) {
            Some(schema) => {
                walk.object_members(&object.value, schema, "", &["apiVersion", "kind", "metadata", "status"]);
            }
            None => walk.core_object(),
        }
        walk.findings
            .retain(|finding| !object.faulty.iter().any(|pointer| pointer == finding.place.pointer()));
        walk.findings
    }

    fn matches(&self, pattern: &str, text: &str) -> bool {
        let mut patterns = self.patterns.borrow_mut();
        let regex = patterns.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

fn schema(kind: ResourceKind, kinds: Kinds) -> Value {
    let Some(steps) = kind.steps() else { return crd::schema(kind, &[]) };
    let nodes: Vec<KindSchema> =
        kinds.0.iter().map(|kind| KindSchema::new(kind.name, kind.summary, (kind.schema)())).collect();
    let mut schema = crd::schema(kind, &nodes);
    if let Some(step) = schema.pointer_mut(steps).and_then(Value::as_object_mut) {
        // Their node objects are judged by `unknown-node-kind`.
        step.insert(PRESERVE.to_owned(), Value::Bool(true));
        step.remove(VALIDATIONS);
    }
    schema
}

struct Walk<'a> {
    schemas: &'a Schemas,
    object: &'a Object,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, schema: &Value, pointer: &str) {
        let Some(expected) = schema.get("type").and_then(Value::as_str) else { return };
        match (expected, value) {
            ("object", Value::Object(_)) => self.object_members(value, schema, pointer, &[]),
            ("array", Value::Array(items)) => self.list(items, schema, pointer),
            ("string", Value::String(text)) => self.text(text, schema, pointer),
            ("integer", Value::Number(number)) if !number.is_f64() => {
                let number = number.as_i64().unwrap_or(i64::MAX);
                self.bounds(pointer, schema, ["minimum", "maximum"], number, "", "the number");
            }
            ("boolean", Value::Bool(_)) => {}
            (_, Value::Null) => {
                let help = self.type_help(expected, value, schema);
                self.report(&invalid_value::NOTHING, pointer, wrong_type(expected, value), help);
            }
            _ => {
                let help = self.type_help(expected, value, schema);
                self.report(&invalid_value::RULE, pointer, wrong_type(expected, value), help);
            }
        }
    }

    fn object_members(&mut self, value: &Value, schema: &Value, pointer: &str, skipped: &[&str]) {
        let Some(members) = value.as_object() else { return };
        let properties = schema.get("properties").and_then(Value::as_object);
        let additional = schema.get("additionalProperties").filter(|additional| additional.is_object());
        let preserve = schema.get(PRESERVE).and_then(Value::as_bool).unwrap_or_default();
        for (name, member) in members {
            let below = format!("{pointer}/{}", token(name));
            match properties.and_then(|properties| properties.get(name)).or(additional) {
                _ if skipped.contains(&name.as_str()) => {}
                Some(schema) => self.value(member, schema, &below),
                None if preserve => {}
                None => self.unknown_field(name, &below, properties),
            }
        }
        let size = i64::try_from(members.len()).unwrap_or(i64::MAX);
        self.bounds(
            pointer,
            schema,
            ["minProperties", "maxProperties"],
            size,
            " entries",
            "the number of entries",
        );
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let is_missing = |name: &&str| members.get(*name).is_none_or(Value::is_null);
        for name in required.filter_map(Value::as_str).filter(is_missing) {
            let field = properties.and_then(|properties| properties.get(name));
            let meaning = field.and_then(|field| field.get("description")).and_then(Value::as_str);
            let help = match meaning {
                Some(meaning) => format!("add {name}: {}", first_sentence(meaning)),
                None => format!("add {name}"),
            };
            self.report(&missing_field::RULE, pointer, format!("the field {name} is missing"), help);
        }
    }

    fn unknown_field(&mut self, name: &str, pointer: &str, known: Option<&serde_json::Map<String, Value>>) {
        let names = || known.into_iter().flat_map(|known| known.keys().map(String::as_str));
        let help = match nearest(name, names()) {
            Some(near) => format!("did you mean {near}?"),
            None => match names().collect::<Vec<_>>() {
                none if none.is_empty() => "remove it; there are no fields here".to_owned(),
                names => format!("remove it; the fields here are {}", names.join(", ")),
            },
        };
        let place = self.object.id().at_key(pointer);
        self.findings.push(unknown_field::RULE.at(place, format!("there is no field {name} here"), help));
    }

    fn list(&mut self, items: &[Value], schema: &Value, pointer: &str) {
        let size = i64::try_from(items.len()).unwrap_or(i64::MAX);
        self.bounds(pointer, schema, ["minItems", "maxItems"], size, " items", "the number of items");
        let item_schema = schema.get("items").unwrap_or(&Value::Null);
        for (index, item) in items.iter().enumerate() {
            let below = format!("{pointer}/{index}");
            if item.is_null() {
                let expected = item_schema.get("type").and_then(Value::as_str).unwrap_or("object");
                let help = "write an item, or remove the dash";
                self.report(&invalid_value::RULE, &below, wrong_type(expected, item), help);
            } else {
                self.value(item, item_schema, &below);
            }
        }
        let is_steps = item_schema.get(PRESERVE).is_some();
        if !is_steps {
            self.twins(items, schema, pointer);
        }
    }

    /// Items that may not stand twice: of a set, or with equal keys.
    fn twins(&mut self, items: &[Value], schema: &Value, pointer: &str) {
        let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
        let is_set = schema.get("x-kubernetes-list-type").and_then(Value::as_str) == Some("set");
        if keys.is_none() && !is_set {
            return;
        }
        let identity = |item: &Value| match keys {
            Some(keys) => keys
                .iter()
                .filter_map(Value::as_str)
                .map(|key| item.get(key).cloned().unwrap_or_default())
                .collect(),
            None => vec![item.clone()],
        };
        for (index, item) in items.iter().enumerate() {
            let own = identity(item);
            if items.iter().take(index).any(|earlier| identity(earlier) == own) {
                let title = "this item stands in the list twice";
                self.report(
                    &invalid_value::RULE,
                    &format!("{pointer}/{index}"),
                    title,
                    "remove one of the two",
                );
            }
        }
    }

    fn text(&mut self, text: &str, schema: &Value, pointer: &str) {
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            let choices: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
            if !choices.contains(&text) {
                let help = match nearest(text, choices.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("write one of {}", choices.join(", ")),
                };
                self.report(&invalid_value::RULE, pointer, format!("{text} is not one of the choices"), help);
            }
            return;
        }
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        self.bounds(pointer, schema, ["minLength", "maxLength"], length, " characters", "the length");
        let Some(pattern) = schema.get("pattern").and_then(Value::as_str) else { return };
        if !self.schemas.matches(pattern, text) {
            let title = format!("{text:?} does not have the form this field takes");
            let help = described_by(schema).unwrap_or_else(|| format!("it must match {pattern}"));
            self.report(&invalid_value::RULE, pointer, title, help);
        }
    }

    /// What to write instead of a value of another type.
    fn type_help(&self, expected: &str, value: &Value, schema: &Value) -> String {
        let is_wanted = |text: &str| {
            let pattern = schema.get("pattern").and_then(Value::as_str);
            pattern.is_none_or(|pattern| self.schemas.matches(pattern, text))
        };
        match (expected, value) {
            ("string", Value::Number(_) | Value::Bool(_)) if is_wanted(&value.to_string()) => {
                format!("put it in quotes: \"{value}\"")
            }
            ("string", Value::Null) => {
                "write a text, in quotes if it begins with #, where a comment begins otherwise; or remove the field"
                    .to_owned()
            }
            ("object", Value::Null) => "write {} for an empty mapping".to_owned(),
            ("boolean", _) => "write true or false, without quotes".to_owned(),
            ("integer", Value::String(text)) if text.parse::<i64>().is_ok() => {
                format!("remove the quotes: {text}")
            }
            ("string", _) => described_by(schema).unwrap_or_else(|| "write a text".to_owned()),
            _ => format!("write {}", noun(expected)),
        }
    }

    fn bounds(
        &mut self,
        pointer: &str,
        schema: &Value,
        [min, max]: [&str; 2],
        size: i64,
        unit: &str,
        what: &str,
    ) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        #[expect(clippy::cast_precision_loss, reason = "bounds and sizes are far below 2^53")]
        let size_float = size as f64;
        if let Some(least) = bound(min).filter(|least| size_float < *least) {
            let title = format!("{what} is {size}{unit}, and must be at least {least}");
            self.report(&invalid_value::RULE, pointer, title, format!("write at least {least}{unit}"));
        }
        if let Some(most) = bound(max).filter(|most| size_float > *most) {
            let title = format!("{what} is {size}{unit}, and must be at most {most}");
            self.report(&invalid_value::RULE, pointer, title, format!("write at most {most}{unit}"));
        }
    }

    /// `ConfigMap`s and Secrets: every value is a text.
    fn core_object(&mut self) {
        for part in ["data", "stringData"] {
            for (name, value) in self.object.value.get(part).and_then(Value::as_object).into_iter().flatten()
            {
                if !value.is_string() {
                    let pointer = format!("/{part}/{}", token(name));
                    let title = wrong_type("string", value);
                    let help = self.type_help("string", value, &Value::Null);
                    self.report(&invalid_value::RULE, &pointer, title, help);
                }
            }
        }
    }

    fn report(&mut self, rule: &Rule, pointer: &str, title: impl Into<String>, help: impl Into<String>) {
        self.findings.push(rule.at(self.object.id().at(pointer), title, help));
    }
}

fn wrong_type(expected: &str, value: &Value) -> String {
    format!("{} is wanted here, and this is {}", noun(expected), described(value))
}

fn described_by(schema: &Value) -> Option<String> {
    schema.get("description").and_then(Value::as_str).map(str::to_owned)
}

fn noun(expected: &str) -> &'static str {
    match expected {
        "string" => "a text",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a mapping",
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

fn first_sentence(text: &str) -> String {
    let end = text.find(". ").map_or(text.len(), |end| end + 1);
    text.get(..end).unwrap_or(text).to_lowercase_first()
}

trait LowercaseFirst {
    fn to_lowercase_first(&self) -> String;
}

impl LowercaseFirst for str {
    fn to_lowercase_first(&self) -> String {
        let mut characters = self.chars();
        characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
    }
}

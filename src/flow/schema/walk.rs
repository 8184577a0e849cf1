//! The form of an object: types, names, bounds, choices and patterns, with help in words.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idflow_api::bounds;
use idflow_core::Value;

use super::words::{described_by, first_sentence, noun, wrong_type};
use super::{PRESERVE, Schemas};
use crate::diagnostic::{Finding, ObjectId, Rule, nearest, token};
use crate::lint::{invalid_value, missing_field, unknown_field};

/// The name of an entry of a `ConfigMap` or Secret.
fn is_entry(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=253).contains(&name.len()) && name.chars().all(is_inner) && name != "." && name != ".."
}

/// One walk over an object, along its schema.
pub(super) struct Walk<'a> {
    schemas: &'a Schemas,
    id: &'a ObjectId,
    pub(super) findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(schemas: &'a Schemas, id: &'a ObjectId) -> Self {
        Self { schemas, id, findings: Vec::new() }
    }

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

    pub(super) fn object_members(&mut self, value: &Value, schema: &Value, pointer: &str, skipped: &[&str]) {
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
        let place = self.id.at_key(pointer);
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
            Some(keys) => {
                let keys = keys.iter().filter_map(Value::as_str);
                keys.map(|key| item.get(key).cloned().unwrap_or_default()).collect()
            }
            None => item.clone(),
        };
        let mut known = HashSet::new();
        for (index, item) in items.iter().enumerate() {
            if !known.insert(identity(item)) {
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
        if let Some(choices) = choices(schema) {
            if !choices.contains(&text) {
                let help = match nearest(text, choices.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("write one of {}", choices.join(", ")),
                };
                self.report(&invalid_value::RULE, pointer, format!("{text} is not one of the choices"), help);
            }
            return;
        }
        let pattern = schema.get("pattern").and_then(Value::as_str);
        if let Some(pattern) = pattern.filter(|pattern| !self.schemas.matches(pattern, text)) {
            let title = format!("{text:?} does not have the form this field takes");
            let help = bounds::words(pattern).map(str::to_owned).or_else(|| described_by(schema));
            let help = help
                .unwrap_or_else(|| format!("`kubectl explain {}` describes it", self.id.kind.to_lowercase()));
            self.report(&invalid_value::RULE, pointer, title, help);
            return;
        }
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        self.bounds(pointer, schema, ["minLength", "maxLength"], length, " characters", "the length");
    }

    /// What to write instead of a value of another type.
    fn type_help(&self, expected: &str, value: &Value, schema: &Value) -> String {
        let is_wanted = |text: &str| {
            let pattern = schema.get("pattern").and_then(Value::as_str);
            pattern.is_none_or(|pattern| self.schemas.matches(pattern, text))
        };
        if let Some(choices) = choices(schema) {
            return format!("write one of {}", choices.join(", "));
        }
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

    /// `ConfigMap`s and Secrets: every value is a text, and what stands in `data` of a Secret is base64.
    pub(super) fn core_object(&mut self, object: &Value) {
        for part in ["data", "stringData"] {
            for (name, value) in object.get(part).and_then(Value::as_object).into_iter().flatten() {
                let pointer = format!("/{part}/{}", token(name));
                if !is_entry(name) {
                    let help = "use letters, digits, dashes, dots and underscores";
                    self.report(
                        &invalid_value::RULE,
                        &pointer,
                        format!("{name:?} is no name for an entry"),
                        help,
                    );
                }
                let Some(text) = value.as_str() else {
                    let title = wrong_type("string", value);
                    let help = self.type_help("string", value, &Value::Null);
                    self.report(&invalid_value::RULE, &pointer, title, help);
                    continue;
                };
                if self.id.kind == "Secret" && part == "data" && STANDARD.decode(text.trim()).is_err() {
                    let help = "write the text itself below stringData, or encode it";
                    self.report(&invalid_value::RULE, &pointer, "this is not base64", help);
                }
            }
        }
    }

    fn report(&mut self, rule: &Rule, pointer: &str, title: impl Into<String>, help: impl Into<String>) {
        self.findings.push(rule.at(self.id.at(pointer), title, help));
    }
}

/// The texts that a field takes, where it takes no others.
fn choices(schema: &Value) -> Option<Vec<&str>> {
    let choices = schema.get("enum").and_then(Value::as_array)?;
    Some(choices.iter().filter_map(Value::as_str).collect())
}

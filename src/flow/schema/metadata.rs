//! What the API server demands of every object's metadata, whatever its kind.

use idflow_core::Value;

use crate::diagnostic::{Finding, ObjectId, Rule, nearest, token};
use crate::lint::{invalid_value, unknown_field};

/// Every field that `metadata` may have (Kubernetes' `ObjectMeta`).
const FIELDS: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;
const MAX_ANNOTATIONS: usize = 256 * 1024;

pub(super) fn check(id: &ObjectId, value: &Value) -> Vec<Finding> {
    let mut check = Check { id, findings: Vec::new() };
    let Some(metadata) = value.get("metadata").and_then(Value::as_object) else { return check.findings };
    for name in metadata.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        check.unknown(name);
    }
    check.name(&id.name);
    if let Some(namespace) = metadata.get("namespace").and_then(Value::as_str) {
        check.namespace(namespace);
    }
    for part in ["labels", "annotations"] {
        check.keys(part, metadata.get(part).and_then(Value::as_object));
    }
    check.findings
}

struct Check<'a> {
    id: &'a ObjectId,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn say(&mut self, rule: &Rule, pointer: String, title: String, help: &str) {
        self.findings.push(rule.at(self.id.at(pointer), title, help));
    }

    fn unknown(&mut self, name: &str) {
        let help = match nearest(name, FIELDS) {
            Some(near) => format!("did you mean {near}?"),
            None => "remove it, or put it below labels or annotations".to_owned(),
        };
        let place = self.id.at_key(format!("/metadata/{}", token(name)));
        self.findings.push(unknown_field::RULE.at(place, format!("there is no field {name} here"), help));
    }

    fn name(&mut self, name: &str) {
        if name.len() > MAX_NAME || !name.split('.').all(is_label) {
            let title = format!("{name:?} is no name for an object");
            let help = "use at most 253 lower-case letters, digits, dashes and dots, and begin and end with a letter or digit";
            self.say(&invalid_value::RULE, "/metadata/name".to_owned(), title, help);
        }
    }

    fn namespace(&mut self, namespace: &str) {
        if namespace.len() > MAX_LABEL || !is_label(namespace) {
            let title = format!("{namespace:?} is no name for a namespace");
            let help = "use at most 63 lower-case letters, digits and dashes, and begin and end with a letter or digit";
            self.say(&invalid_value::RULE, "/metadata/namespace".to_owned(), title, help);
        }
    }

    fn keys(&mut self, part: &str, members: Option<&serde_json::Map<String, Value>>) {
        let Some(members) = members else { return };
        for (name, value) in members {
            let pointer = format!("/metadata/{part}/{}", token(name));
            let Some(text) = value.as_str() else {
                let help = "write a text, in quotes if it looks like a number or like true or false";
                self.say(&invalid_value::RULE, pointer, "a text is wanted here".to_owned(), help);
                continue;
            };
            if !is_qualified(name) {
                let help = "use at most 63 letters, digits, dashes, dots and underscores, with a domain and / before them if you like";
                self.say(
                    &invalid_value::RULE,
                    pointer.clone(),
                    format!("{name:?} is no key for {part}"),
                    help,
                );
            }
            if part == "labels" && !(text.is_empty() || is_word(text)) {
                let help = "use at most 63 letters, digits, dashes, dots and underscores; longer texts are annotations";
                self.say(&invalid_value::RULE, pointer, format!("{text:?} is no value for a label"), help);
            }
        }
        let size: usize =
            members.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
        if part == "annotations" && size > MAX_ANNOTATIONS {
            let title = format!("the annotations have {size} bytes, more than {MAX_ANNOTATIONS}");
            self.say(&invalid_value::RULE, "/metadata/annotations".to_owned(), title, "shorten them");
        }
    }
}

/// A part of a DNS name (RFC 1123) in lower case.
fn is_label(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// A word of a label or of its key.
fn is_word(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_end = |c: char| c.is_ascii_alphanumeric();
    text.len() <= MAX_LABEL
        && text.chars().all(is_inner)
        && text.starts_with(is_end)
        && text.ends_with(is_end)
}

/// A key, with a domain before it or without.
fn is_qualified(key: &str) -> bool {
    match key.split_once('/') {
        Some((domain, name)) => domain.len() <= MAX_NAME && domain.split('.').all(is_label) && is_word(name),
        None => is_word(key),
    }
}

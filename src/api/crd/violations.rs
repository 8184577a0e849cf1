//! What the rules of design 3 forbid in a schema.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

use crate::name;

/// Everything in the schema that is a default, an odd format, free of form, unbounded, undocumented or named so
/// that YAML 1.1 misreads it. Empty is good.
pub fn violations(crd: &CustomResourceDefinition) -> Vec<String> {
    let mut found = Vec::new();
    for version in &crd.spec.versions {
        let schema = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
        let schema = serde_json::to_value(schema).unwrap_or_default();
        for part in ["spec", "status"] {
            if let Some(schema) = schema["properties"].get(part) {
                let mut walk = Walk { kind: &crd.spec.names.kind, found: &mut found };
                walk.property(part, schema);
            }
        }
    }
    found
}

struct Walk<'a> {
    kind: &'a str,
    found: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn report(&mut self, path: &str, what: &str) {
        self.found.push(format!("{} {path}: {what}", self.kind));
    }

    fn property(&mut self, path: &str, schema: &Value) {
        if schema.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
            self.report(path, "no description");
        }
        let own = path.rsplit('.').next().unwrap_or_default();
        if !is_property_name(own) {
            self.report(path, "a name that YAML 1.1 misreads, or not lowerCamelCase");
        }
        self.schema(path, schema);
    }

    fn schema(&mut self, path: &str, schema: &Value) {
        self.anywhere(path, schema);
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => self.object(path, schema),
            Some("array") => self.array(path, schema),
            Some("string") => {
                if schema.get("maxLength").is_none() && schema.get("enum").is_none() {
                    self.report(path, "a string without maxLength");
                }
            }
            Some("integer" | "boolean") => {}
            Some(other) => self.report(path, &format!("type {other}: use a string or an integer")),
            None => self.report(path, "no type, so any value is accepted"),
        }
    }

    fn anywhere(&mut self, path: &str, schema: &Value) {
        let allowed = path == "status" && schema.get("default") == Some(&json!({ "observedGeneration": -1 }));
        if schema.get("default").is_some() && !allowed {
            self.report(path, "a default");
        }
        if let Some(format) = schema.get("format").and_then(Value::as_str)
            && !["int32", "int64", "date-time"].contains(&format)
        {
            self.report(path, &format!("format {format}"));
        }
        if schema.get("nullable") == Some(&json!(true)) {
            self.report(path, "nullable");
        }
        if schema.get("x-kubernetes-preserve-unknown-fields").is_some() {
            self.report(path, "free-form: unknown fields are preserved");
        }
        if schema.get("pattern").is_some() && schema.get("description").is_none() {
            self.report(path, "a pattern that no description puts into words");
        }
        for key in ["anyOf", "allOf", "not"] {
            if schema.get(key).is_some() {
                self.report(path, &format!("{key}: not a structural schema of ours"));
            }
        }
    }

    fn object(&mut self, path: &str, schema: &Value) {
        match schema.get("additionalProperties") {
            None => {}
            Some(Value::Object(_)) => {
                if schema.get("maxProperties").is_none() {
                    self.report(path, "a map without maxProperties");
                }
                self.schema(&format!("{path}.*"), &schema["additionalProperties"]);
            }
            Some(_) => self.report(path, "free-form: additionalProperties without a schema"),
        }
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for (name, property) in properties {
                self.property(&format!("{path}.{name}"), property);
            }
        }
    }

    fn array(&mut self, path: &str, schema: &Value) {
        if schema.get("maxItems").is_none() {
            self.report(path, "a list without maxItems");
        }
        match schema.get("items") {
            Some(items) => self.schema(&format!("{path}[]"), items),
            None => self.report(path, "a list without items"),
        }
    }
}

/// CEL's words are no obstacle here: the API server lets rules read such a field as `__in__`.
fn is_property_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|other| other.is_ascii_alphanumeric())
        && !name::YAML_WORDS.contains(&name.to_ascii_lowercase().as_str())
}

//! Makes a JSON Schema structural, the form a CustomResourceDefinition takes: no references, no unions of types,
//! no defaults, and only formats that API servers know.

use serde_json::{Map, Value, json};

const FORMATS: [&str; 3] = ["int32", "int64", "date-time"];
const DROPPED: [&str; 9] = [
    "$schema",
    "$defs",
    "title",
    "default",
    "nullable",
    "examples",
    "propertyNames",
    "unevaluatedProperties",
    "$id",
];

/// References deeper than this are circular.
const MAX_DEPTH: usize = 24;

/// The structural form of `schema`. What has none is left as it is, for the API server and
/// [`super::violations`] to report.
pub(super) fn normalise(schema: Value) -> Value {
    let definitions = schema.get("$defs").cloned().unwrap_or_default();
    rewrite(schema, &definitions, 0)
}

fn rewrite(schema: Value, definitions: &Value, depth: usize) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    if depth > MAX_DEPTH {
        return Value::Object(schema);
    }
    inline(&mut schema, definitions);
    unwrap_optional(&mut schema);
    inline(&mut schema, definitions);
    schema.retain(|key, _| !DROPPED.contains(&key.as_str()));
    single_type(&mut schema);
    gather_values(&mut schema);
    gather_variants(&mut schema);
    tidy(&mut schema);
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key) {
            *inner = rewrite(inner.take(), definitions, depth + 1);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut() {
            *property = rewrite(property.take(), definitions, depth + 1);
        }
    }
    Value::Object(schema)
}

/// Puts a referenced definition in place of the reference; what stands beside the reference wins.
fn inline(schema: &mut Map<String, Value>, definitions: &Value) {
    for _ in 0..MAX_DEPTH {
        let Some(Value::String(reference)) = schema.remove("$ref") else { return };
        let name = reference.rsplit('/').next().unwrap_or_default();
        absorb(schema, definitions.get(name).cloned());
    }
}

/// `Option<T>` is written as a choice between `T` and null; here an absent field says that.
fn unwrap_optional(schema: &mut Map<String, Value>) {
    let is_null = |branch: &Value| {
        branch.get("type") == Some(&json!("null")) || branch.get("enum") == Some(&json!([null]))
    };
    if let Some(Value::Array(branches)) = schema.get("anyOf")
        && branches.len() == 2
        && let Some(kept) = branches.iter().find(|branch| !is_null(branch)).cloned()
        && branches.iter().any(is_null)
    {
        schema.remove("anyOf");
        absorb(schema, Some(kept));
    }
}

fn absorb(schema: &mut Map<String, Value>, other: Option<Value>) {
    if let Some(Value::Object(other)) = other {
        for (key, value) in other {
            schema.entry(key).or_insert(value);
        }
    }
}

fn single_type(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get("type") {
        let mut kept = types.iter().filter(|name| *name != &json!("null")).cloned();
        if let (Some(only), None) = (kept.next(), kept.next()) {
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}

/// Plain enums: documented variants are written as a choice of constants.
fn gather_values(schema: &mut Map<String, Value>) {
    if let Some(value) = schema.remove("const") {
        schema.insert("enum".to_owned(), json!([value]));
    }
    let Some(Value::Array(branches)) = schema.get("oneOf") else { return };
    let values: Option<Vec<Value>> =
        branches.iter().map(values_of).collect::<Option<Vec<_>>>().map(|all| all.concat());
    if let Some(values) = values.filter(|values| !values.is_empty()) {
        let meanings: Vec<String> = branches.iter().filter_map(meaning_of).collect();
        let described = schema.get("description").and_then(Value::as_str).into_iter();
        let described: Vec<&str> = described.chain(meanings.iter().map(String::as_str)).collect();
        let described = described.join(" ");
        schema.insert("description".to_owned(), Value::String(described));
        schema.remove("oneOf");
        schema.insert("type".to_owned(), json!("string"));
        schema.insert("enum".to_owned(), Value::Array(values));
    }
}

/// A variant with its documentation.
fn meaning_of(branch: &Value) -> Option<String> {
    Some(format!("{}: {}", branch.get("const")?.as_str()?, branch.get("description")?.as_str()?))
}

fn values_of(branch: &Value) -> Option<Vec<Value>> {
    match (branch.get("const"), branch.get("enum")) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(Value::Array(values))) => Some(values.clone()),
        _ => None,
    }
}

/// Externally tagged enums: the variants' properties move up; of the choice only `required` stays.
fn gather_variants(schema: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = schema.get("oneOf").cloned() else { return };
    let mut properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut choices = Vec::new();
    for branch in &branches {
        if let Some(Value::Object(own)) = branch.get("properties") {
            let description = branch.get("description");
            for (name, property) in own {
                let mut property = property.clone();
                if let (Some(text), None) = (description, property.get("description")) {
                    property["description"] = text.clone();
                }
                properties.insert(name.clone(), property);
            }
        }
        if let Some(required) = branch.get("required") {
            choices.push(json!({ "required": required }));
        }
    }
    if choices.len() == branches.len() {
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("oneOf".to_owned(), Value::Array(choices));
    }
}

fn tidy(schema: &mut Map<String, Value>) {
    if schema.get("format").and_then(Value::as_str).is_some_and(|format| !FORMATS.contains(&format)) {
        schema.remove("format");
    }
    if schema.get("additionalProperties") == Some(&json!(false)) {
        schema.remove("additionalProperties");
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = reflowed(description);
    }
}

/// Joins the lines of a paragraph, as `kubectl explain` breaks them itself.
fn reflowed(text: &str) -> String {
    let paragraphs =
        text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

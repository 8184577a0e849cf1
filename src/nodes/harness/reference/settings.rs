//! The table of a kind's settings, from the schema that the API server gets.

use std::fmt::Write as _;
use std::sync::LazyLock;

use idflow_api::ResourceKind;
use idflow_api::crd::{self, KindSchema};
use idflow_core::Value;
use idflow_flow::kinds::Kind;

/// The schemas of all node objects, as the definition of Flow has them.
static NODES: LazyLock<Value> = LazyLock::new(|| {
    let kinds = crate::KINDS.iter().map(|kind| KindSchema::new(kind.name, kind.summary, (kind.schema)()));
    let flow = crd::schema(ResourceKind::Flow, &kinds.collect::<Vec<_>>());
    let step = ResourceKind::Flow.steps().unwrap();
    flow.pointer(step).unwrap()["properties"].clone()
});

/// The settings of a kind, those inside others below them.
pub(super) fn table(kind: &Kind) -> String {
    let mut rows = String::new();
    add(&mut rows, "", &NODES[kind.name]);
    if rows.is_empty() {
        return "## Settings\n\nIt has none: write `{}`.\n\n".to_owned();
    }
    format!("## Settings\n\n| Setting | Type | When absent | Meaning |\n|---|---|---|---|\n{rows}\n")
}

fn add(rows: &mut String, within: &str, schema: &Value) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let is_required = |name: &String| {
        let required = schema["required"].as_array();
        required.is_some_and(|required| required.iter().any(|one| one == name.as_str()))
    };
    let mut properties: Vec<(&String, &Value)> = properties.iter().collect();
    properties.sort_by_key(|(name, _)| (!is_required(name), *name));
    for (name, property) in properties {
        let (absent, meaning) = told(property, is_required(name));
        let path = format!("{within}{name}");
        let _infallible = writeln!(rows, "| `{path}` | {} | {absent} | {meaning} |", type_of(property));
        add(rows, &format!("{path}."), property);
        add(rows, &format!("{path}[]."), &property["items"]);
    }
}

/// What it means to leave a setting out, and the rest of its description.
fn told(property: &Value, required: bool) -> (String, String) {
    let description = property["description"].as_str().unwrap_or_default();
    let description = description.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let Some((before, rest)) = description.split_once("Absent means ") else {
        return (if required { "needed" } else { "" }.to_owned(), description);
    };
    let end = rest.find(". ").unwrap_or(rest.trim_end_matches('.').len());
    let (absent, after) = rest.split_at(end);
    let after = after.trim_start_matches(['.', ' ']);
    (absent.to_owned(), format!("{before}{after}").trim().to_owned())
}

fn type_of(schema: &Value) -> String {
    let count = |most: &str| schema[most].as_u64();
    match schema["type"].as_str() {
        _ if schema["enum"].is_array() => {
            let values = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
            format!("one of {}", values.map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "))
        }
        Some("string") => match count("maxLength") {
            Some(most) => format!("text of at most {most} characters"),
            None => "text".to_owned(),
        },
        Some("integer") => match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
            (Some(least), Some(most)) => format!("whole number, {least} to {most}"),
            _ => "whole number".to_owned(),
        },
        Some("boolean") => "true or false".to_owned(),
        Some("array") => {
            let most = count("maxItems").map(|most| format!(", at most {most}")).unwrap_or_default();
            format!("list{most}: {}", type_of(&schema["items"]))
        }
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("for each name: {}", type_of(&schema["additionalProperties"]))
        }
        _ => "object".to_owned(),
    }
}

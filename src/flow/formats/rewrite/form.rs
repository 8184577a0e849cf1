//! `type: Identifier` → `purpose: Identifier`, `type: Text` → `type: String`, `required: false` → `optional: true`: a
//! field has a type of the one list that Directories and inputs have too, and what browsers fill in stands beside it;
//! and a word whose absence means the same everywhere says that it may be left empty.

use idflow_core::Value;
use serde_json::json;

use crate::formats::{Change, Edit, Words, below, members};

const KIND: &str = "form";
/// What a field was for, said as its type.
pub(in crate::formats) const PURPOSES: [&str; 4] = ["Identifier", "Name", "GivenName", "FamilyName"];
/// Texts by other names.
pub(in crate::formats) const TEXTS: [&str; 2] = ["Text", "Select"];

pub(super) fn edits(step: &Words<'_>) -> Vec<Edit> {
    let fields = fields(step).enumerate();
    fields.flat_map(|(index, field)| of_field(field, &below(KIND, &format!("/fields/{index}")))).collect()
}

fn fields<'a>(step: &Words<'a>) -> impl Iterator<Item = &'a Value> {
    let settings = Some(step.settings).filter(|_| step.kind == KIND);
    settings.and_then(|settings| settings.get("fields")?.as_array()).into_iter().flatten()
}

fn of_field(field: &Value, at: &str) -> Vec<Edit> {
    let has = members(field);
    let mut edits = Vec::new();
    match field.get("type").and_then(Value::as_str) {
        Some(word) if PURPOSES.contains(&word) && !has("purpose") => edits.push(Edit {
            at: format!("{at}/type"),
            change: Change::Rename("purpose"),
            says: format!("`type: {word}` is called `purpose: {word}` now"),
        }),
        Some(word) if TEXTS.contains(&word) => edits.push(Edit {
            at: format!("{at}/type"),
            change: Change::Replace(json!("String")),
            says: format!("`type: {word}` is called `type: String` now"),
        }),
        _ => {}
    }
    if let Some(required) = field.get("required").and_then(Value::as_bool).filter(|_| !has("optional")) {
        edits.push(Edit {
            at: format!("{at}/required"),
            change: Change::Restate("optional", json!(!required)),
            says: format!("`required: {required}` is called `optional: {}` now", !required),
        });
    }
    edits
}

pub(super) fn is_new(step: &Words<'_>) -> bool {
    fields(step).any(|field| {
        let has = members(field);
        !has("type") || has("purpose") || has("optional") || field.get("type") == Some(&json!("String"))
    })
}

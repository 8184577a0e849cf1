//! `choose: { from: [a, b] }` → `choose: { options: [a, b] }` and `outcomes: { a: a, b: b }`: an option is an outcome,
//! wired as that of any step, so that every edge of a graph stands in `outcomes`.

use idflow_core::{Data, Value};
use serde_json::json;

use crate::formats::{Change, Edit, Words, below, members};

const KIND: &str = "choose";

pub(super) fn edits(step: &Words<'_>) -> Vec<Edit> {
    let has = members(step.settings);
    if step.kind != KIND || !has("from") || has("options") {
        return Vec::new();
    }
    let rename = Edit {
        at: below(KIND, "/from"),
        change: Change::Rename("options"),
        says: "`from` is called `options` now".to_owned(),
    };
    wire(step).into_iter().chain([rename]).collect()
}

/// Writes out the wires that each step to choose from had by itself.
fn wire(step: &Words<'_>) -> Option<Edit> {
    let from = step.settings.get("from").and_then(Value::as_array).into_iter().flatten();
    let is_wired = |id: &str| step.outcomes.contains_key(id) || step.shared.contains_key(id);
    let unwired = from.filter_map(Value::as_str).filter(|id| !is_wired(id));
    let wires: Data = unwired.map(|id| (id.to_owned(), json!(id))).collect();
    let words: Vec<String> = wires.keys().map(|id| format!("{id}: {id}")).collect();
    let says = format!("each option is an outcome now, wired in `outcomes`: {{ {} }}", words.join(", "));
    if wires.is_empty() {
        return None;
    }
    let (at, members) = if step.outcomes.is_empty() {
        (String::new(), Data::from_iter([("outcomes".to_owned(), Value::Object(wires))]))
    } else {
        ("/outcomes".to_owned(), wires)
    };
    Some(Edit { at, change: Change::Insert { after: Some(KIND), members }, says })
}

pub(super) fn is_new(step: &Words<'_>) -> bool {
    step.kind == KIND && members(step.settings)("options")
}

//! `oneTimeCode: { connection, to }` → `oneTimeCode: { email: { connection, to } }`: a code goes out by a channel, and
//! what only one channel has stands below its name.

use crate::formats::{Change, Edit, Words, below, members};

const KIND: &str = "oneTimeCode";
const MOVED: [&str; 2] = ["connection", "to"];

pub(super) fn edits(step: &Words<'_>) -> Vec<Edit> {
    let has = members(step.settings);
    let moved: Vec<&'static str> = MOVED.into_iter().filter(|name| has(name)).collect();
    if step.kind != KIND || !has("connection") || has("email") {
        return Vec::new();
    }
    let words: Vec<String> = moved.iter().map(|name| format!("`{name}`")).collect();
    let verb = if moved.len() == 1 { "stands" } else { "stand" };
    let says = format!("{} {verb} below `email` now, the channel of the code", words.join(" and "));
    vec![Edit { at: below(KIND, ""), change: Change::Gather { members: moved, into: "email" }, says }]
}

pub(super) fn is_new(step: &Words<'_>) -> bool {
    step.kind == KIND && members(step.settings)("email")
}

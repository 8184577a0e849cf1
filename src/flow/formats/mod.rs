//! Words that were called otherwise once: what an author wrote in them goes on to be read.
//!
//! One list of rewrites, each a file: from a step or object in old words to the edits that say the same in today's.
//! The same edits are made in three places, so that these never disagree:
//!
//! - in memory, whenever a manifest is read, and whenever content of an older format is loaded ([`current`]);
//! - in the text of a manifest, by `idflow lint --fix` ([`text`]);
//! - in words, as the finding `old-word`.
//!
//! Only what certainly means the same is rewritten. What is neither old nor new is left as it is, for others to judge.

pub(crate) mod accepted;
pub(crate) mod edit;
pub(crate) mod flow_node;
mod layout;
mod rewrite;
pub(crate) mod text;

use std::borrow::Cow;
use std::collections::BTreeMap;

use idflow_core::{Data, Value};
use serde_json::json;

use crate::diagnostic::token;
pub(crate) use edit::{Change, Edit};
use rewrite::REWRITES;

/// A step as it stands in a manifest or in a revision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<'a> {
    /// Its node kind.
    pub(crate) kind: &'a str,
    /// The node's settings.
    pub(crate) settings: &'a Value,
    /// Outcome → step id.
    pub(crate) outcomes: &'a BTreeMap<String, String>,
    /// Wiring that it inherits.
    pub(crate) shared: &'a BTreeMap<String, String>,
}

/// A step in today's words.
#[derive(Debug, Clone)]
pub(crate) struct Current<'a> {
    /// The node's settings.
    pub(crate) settings: Cow<'a, Value>,
    /// Outcome → step id.
    pub(crate) outcomes: Cow<'a, BTreeMap<String, String>>,
    /// What was rewritten.
    pub(crate) edits: Vec<Edit>,
    /// Whether it says something in words that the first format does not have.
    pub(crate) is_new: bool,
}

/// Reads a step, whichever words it is in.
pub(crate) fn current(step: Words<'_>) -> Current<'_> {
    let edits: Vec<Edit> = REWRITES.iter().flat_map(|rewrite| (rewrite.edits)(&step)).collect();
    let is_new = REWRITES.iter().any(|rewrite| (rewrite.is_new)(&step));
    let (settings, outcomes) = match rewritten(step, &edits) {
        Some((settings, outcomes)) => (Cow::Owned(settings), Cow::Owned(outcomes)),
        None => (Cow::Borrowed(step.settings), Cow::Borrowed(step.outcomes)),
    };
    Current { settings, outcomes, edits, is_new }
}

fn rewritten(step: Words<'_>, edits: &[Edit]) -> Option<(Value, BTreeMap<String, String>)> {
    if edits.is_empty() {
        return None;
    }
    let mut value = json!({ step.kind: step.settings, "outcomes": step.outcomes });
    edit::apply(&mut value, edits);
    let settings = value.get_mut(step.kind)?.take();
    Some((settings, serde_json::from_value(value.get_mut("outcomes")?.take()).ok()?))
}

/// The edits of an object of ours, with pointers from its root. Nothing for an object that is not ours.
pub(crate) fn of_object(object: &Value) -> Vec<Edit> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if text("/apiVersion") != format!("{}/{}", idflow_api::GROUP, idflow_api::VERSION) {
        return Vec::new();
    }
    match text("/kind") {
        "Flow" => of_graph(object, "/spec"),
        "FlowNode" => {
            flow_node::edits(object).into_iter().chain(of_graph(object, flow_node::graph(object))).collect()
        }
        _ => Vec::new(),
    }
}

fn of_graph(object: &Value, base: &str) -> Vec<Edit> {
    let shared = wires(object.pointer(&format!("{base}/outcomes")));
    let steps = object.pointer(&format!("{base}/steps")).and_then(Value::as_array);
    let steps = steps.into_iter().flatten().enumerate();
    let of_step = |(index, step): (usize, &Value)| {
        let found = node(step).map(|(kind, settings)| {
            let outcomes = wires(step.get("outcomes"));
            current(Words { kind, settings, outcomes: &outcomes, shared: &shared }).edits
        });
        let within = move |edit: Edit| edit.within(&format!("{base}/steps/{index}"));
        found.unwrap_or_default().into_iter().map(within).collect::<Vec<_>>()
    };
    steps.flat_map(of_step).collect()
}

/// The one node object of a step.
fn node(step: &Value) -> Option<(&str, &Value)> {
    let mut nodes = step.as_object()?.iter().filter(|(name, _)| !["id", "outcomes"].contains(&name.as_str()));
    let (kind, settings) = nodes.next()?;
    nodes.next().is_none().then_some((kind.as_str(), settings))
}

fn wires(value: Option<&Value>) -> BTreeMap<String, String> {
    let members = value.and_then(Value::as_object).into_iter().flatten();
    members.filter_map(|(outcome, step)| Some((outcome.clone(), step.as_str()?.to_owned()))).collect()
}

/// JSON pointer of a member of a step's settings.
fn below(kind: &str, rest: &str) -> String {
    format!("/{}{rest}", token(kind))
}

fn members(settings: &Value) -> impl Fn(&str) -> bool + '_ {
    let members: Option<&Data> = settings.as_object();
    move |name| members.is_some_and(|members| members.contains_key(name))
}

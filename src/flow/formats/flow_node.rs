//! `parameters` → `inputs`, `implementation: { steps: { steps } }` → `implementation: { graph: { steps } }`: a
//! `FlowNode` has inputs, outcomes and outputs, as a Library flow has, and a graph has steps.

use idflow_core::Value;

use super::{Change, Edit};

/// Old and new: JSON pointer of a member, and what it is called now.
const RENAMED: [(&str, &str); 2] = [("/spec/parameters", "inputs"), ("/spec/implementation/steps", "graph")];
/// JSON pointer of the graph in today's words.
const GRAPH: &str = "/spec/implementation/graph";

/// The edits of a `FlowNode`, but for those of its steps.
pub(super) fn edits(object: &Value) -> Vec<Edit> {
    of(|pointer| object.pointer(pointer).is_some())
}

/// The edits of what has members under these pointers.
pub(crate) fn of(has: impl Fn(&str) -> bool) -> Vec<Edit> {
    let is_old = |(old, new): &(&str, &str)| has(old) && !has(&beside(old, new));
    let renamed = RENAMED.into_iter().filter(is_old).map(|(old, new)| Edit {
        at: old.to_owned(),
        change: Change::Rename(new),
        says: format!("`{}` is called `{new}` now", old.rsplit('/').next().unwrap_or_default()),
    });
    renamed.collect()
}

/// Where its graph stands.
pub(super) fn graph(object: &Value) -> &'static str {
    let [_, (old, _)] = RENAMED;
    if object.pointer(GRAPH).is_some() { GRAPH } else { old }
}

fn beside(pointer: &str, name: &str) -> String {
    pointer.rsplit_once('/').map_or_else(String::new, |(above, _)| format!("{above}/{name}"))
}

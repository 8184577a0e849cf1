//! A sign-out that none of its steps says.
//!
//! Whoever completes a flow of type Logout is signed out, whatever its steps say: what they have left, the browser's
//! session with all that applications got from it, ends with the last one. On a path without `endSessions` the flow does
//! not show it: steps before the end still find the visitor signed in, and who only followed a link is asked by a page of
//! the product instead of one of the flow.
//!
//! ```yaml,invalid
//! type: Logout
//! start: hello
//! steps:
//!   - id: hello
//!     message: {}
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Logout
//! start: signOut
//! steps:
//!   - id: signOut
//!     endSessions: {}
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Put `endSessions` on that path, or lead it to `fail`.

use std::collections::{BTreeMap, VecDeque};

use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::End;
use crate::graph::{Graph, Role, Step};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unended-session",
    severity: Severity::Warning,
    why: "Whoever completes it is signed out all the same, as no step says, and at the last moment; where the flow asks nothing, a page of the product asks in its place",
};

/// The step through which each step is first reached with the session still open; the first by none.
type Open = BTreeMap<usize, Option<usize>>;

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let is_logout = matches!(&cx.graph().role, Role::Journey(flow_type) if flow_type == "Logout");
    if !is_logout || !cx.is_known() {
        return Vec::new();
    }
    let open = open(cx.graph(), &ending_graphs(cx));
    let completes = cx.steps().filter(|(_, step)| matches!(step.facts.end, Some(End::Complete { .. })));
    let found = completes.filter(|(index, _)| open.contains_key(index)).map(|(index, step)| {
        let title = format!("the path {} completes without endSessions", way(cx.graph(), &open, index));
        RULE.at(cx.at(&step.pointer), title, "put endSessions on this path, or lead it to fail")
    });
    found.collect()
}

/// For each flow and node whether whoever leaves it is signed out. Callees come before their callers.
fn ending_graphs(cx: &Subject<'_, '_>) -> Vec<bool> {
    let mut ending = Vec::new();
    for part in &cx.resolved.parts {
        let open = open(&part.graph, &ending);
        ending.push(part.graph.exits().all(|(index, _)| !open.contains_key(&index)));
    }
    ending
}

fn open(graph: &Graph<'_>, ending: &[bool]) -> Open {
    let mut open: Open = graph.start().map(|start| (start, None)).into_iter().collect();
    let mut next: VecDeque<usize> = open.keys().copied().collect();
    while let Some(index) = next.pop_front() {
        let Some(step) = graph.steps.get(index) else { continue };
        for edge in step.edges.iter().filter(|edge| !is_ended(step, &edge.outcome, ending)) {
            open.entry(edge.to).or_insert_with(|| {
                next.push_back(edge.to);
                Some(index)
            });
        }
    }
    open
}

/// Whether a step that is left by this outcome has signed out. What cannot be entered has a finding of its own.
fn is_ended(step: &Step<'_>, outcome: &str, ending: &[bool]) -> bool {
    let entered = step.graph_entered().and_then(|graph| ending.get(graph));
    (step.facts.ends_session && outcome == "next") || entered == Some(&true)
}

fn way(graph: &Graph<'_>, open: &Open, to: usize) -> String {
    let before = |index: &usize| open.get(index).copied().flatten();
    let mut steps: Vec<&str> = std::iter::successors(Some(to), before)
        .filter_map(|index| graph.steps.get(index).map(|step| step.id))
        .collect();
    steps.reverse();
    steps.join(" \u{2192} ")
}

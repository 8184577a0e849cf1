//! A sign-out after which the visitor is still signed in.
//!
//! A flow of type Logout ends no session by itself: `endSessions` does. On a path that reaches `complete` without it the
//! application is told of a sign-out, while the browser's session goes on: the next click on "Sign in" asks for nothing,
//! and refresh tokens stay good.
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
    why: "The browser stays signed in with every application, and what they got from its session, refresh tokens included, stays good",
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

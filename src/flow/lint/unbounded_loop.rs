//! A loop in which nobody is asked anything.
//!
//! A loop over a step that shows a page waits for the visitor each time. Without one it spins: the engine stops it
//! after some hundred steps, and the journey fails.
//!
//! ```yaml,invalid
//! type: Login
//! start: ask
//! steps:
//!   - id: ask
//!     http: { connection: crm, path: /customers }
//!     outcomes: { next: password, error: ask }
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Login
//! start: ask
//! steps:
//!   - id: ask
//!     http: { connection: crm, path: /customers }
//!     outcomes: { next: password, error: sorry }
//!   - id: sorry
//!     message: {}
//!     outcomes: { next: ask }
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Put a step that shows a page into the loop, or lead out of it.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unbounded-loop",
    severity: Severity::Error,
    why: "Nothing bounds it, so the journey fails when the engine stops it",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let mut seen = vec![false; cx.graph().steps.len()];
    let mut findings = Vec::new();
    for (index, step) in cx.steps() {
        if seen.get(index) == Some(&true) {
            continue;
        }
        if let Some(way) = way_back(cx, index) {
            for on_the_way in &way {
                if let Some(mark) = seen.get_mut(*on_the_way) {
                    *mark = true;
                }
            }
            let names: Vec<&str> =
                way.iter().filter_map(|index| cx.graph().steps.get(*index)).map(|step| step.id).collect();
            let title = format!("the loop {} → {} never waits for anybody", names.join(" → "), step.id);
            let help = "put a step that shows a page into the loop, or lead out of it";
            findings.push(RULE.at(cx.at(&step.pointer), title, help));
        }
    }
    findings
}

/// The shortest way from a step back to itself over steps that show no page.
fn way_back(cx: &Subject<'_, '_>, start: usize) -> Option<Vec<usize>> {
    let steps = &cx.graph().steps;
    let spins = |index: usize| steps.get(index).is_some_and(|step| !step.facts.shows_page && step.is_known);
    if !spins(start) {
        return None;
    }
    let mut from = vec![None; steps.len()];
    let mut line = std::collections::VecDeque::from([start]);
    while let Some(index) = line.pop_front() {
        for edge in steps.get(index).into_iter().flat_map(|step| &step.edges).filter(|edge| spins(edge.to)) {
            if edge.to == start {
                let mut way = vec![index];
                let mut at = index;
                while let Some(before) = from.get(at).copied().flatten().filter(|_| at != start) {
                    way.push(before);
                    at = before;
                }
                way.reverse();
                return Some(way);
            }
            if let Some(unseen @ None) = from.get_mut(edge.to) {
                *unseen = Some(index);
                line.push_back(edge.to);
            }
        }
    }
    None
}

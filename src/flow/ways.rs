//! The ways through a graph on which something has not happened.

use std::collections::{BTreeMap, VecDeque};

use crate::graph::{Graph, Step};
use crate::resolve::Resolved;

/// The steps that are reached before something has happened, each with the step that it is first reached from; the first
/// of the graph from none.
pub(crate) struct Ways<'g> {
    graph: &'g Graph<'g>,
    reached_from: BTreeMap<usize, Option<usize>>,
}

impl<'g> Ways<'g> {
    /// The ways on which no step `happens`, which is asked with each outcome by which a step is left. What is entered may
    /// do it instead. What cannot be entered has a finding of its own.
    pub(crate) fn without(
        resolved: &'g Resolved<'_>,
        graph: &'g Graph<'g>,
        happens: impl Fn(&Step<'_>, &str) -> bool + Copy,
    ) -> Self {
        // Callees come before their callers.
        let mut within: Vec<bool> = Vec::new();
        for part in &resolved.parts {
            let ways = Ways::of(&part.graph, &within, happens);
            within.push(part.graph.exits().all(|(index, _)| !ways.reached_from.contains_key(&index)));
        }
        Self::of(graph, &within, happens)
    }

    /// `within` says for each flow and node that may be entered whether it happens there, whichever way it is left.
    fn of(graph: &'g Graph<'g>, within: &[bool], happens: impl Fn(&Step<'_>, &str) -> bool) -> Self {
        let mut reached_from: BTreeMap<usize, Option<usize>> =
            graph.start().map(|start| (start, None)).into_iter().collect();
        let mut next: VecDeque<usize> = reached_from.keys().copied().collect();
        while let Some(index) = next.pop_front() {
            let Some(step) = graph.steps.get(index) else { continue };
            let is_within = step.graph_entered().and_then(|graph| within.get(graph)) == Some(&true);
            for edge in step.edges.iter().filter(|edge| !is_within && !happens(step, &edge.outcome)) {
                reached_from.entry(edge.to).or_insert_with(|| {
                    next.push_back(edge.to);
                    Some(index)
                });
            }
        }
        Self { graph, reached_from }
    }

    /// The shortest of them to a step, as people read it.
    pub(crate) fn to(&self, step: usize) -> Option<String> {
        self.reached_from.get(&step)?;
        let before = |index: &usize| self.reached_from.get(index).copied().flatten();
        let mut steps: Vec<&str> = std::iter::successors(Some(step), before)
            .filter_map(|index| self.graph.steps.get(index).map(|step| step.id))
            .collect();
        steps.reverse();
        Some(steps.join(" \u{2192} "))
    }
}

//! The rules: one file each, and the one list of them.

use crate::dataflow::Dataflow;
use crate::diagnostic::{Finding, Place, Rule};
use crate::graph::{Entered, Graph, Step};
use crate::resolve::{Part, Resolved};

/// What a rule looks at: one flow or node, with everything it enters resolved.
#[derive(Clone, Copy)]
pub struct Subject<'c, 'a> {
    /// Everything that was resolved.
    pub resolved: &'c Resolved<'a>,
    /// The flow or node to judge.
    pub part: &'c Part<'a>,
}

impl<'c, 'a> Subject<'c, 'a> {
    fn graph(&self) -> &'c Graph<'a> {
        &self.part.graph
    }

    fn dataflow(&self) -> &'c Dataflow {
        &self.part.dataflow
    }

    fn steps(&self) -> impl Iterator<Item = (usize, &'c Step<'a>)> + use<'c, 'a> {
        self.part.graph.steps.iter().enumerate()
    }

    fn at(&self, pointer: impl Into<String>) -> Place {
        self.part.graph.at(pointer)
    }

    fn at_key(&self, pointer: impl Into<String>) -> Place {
        self.part.graph.object.at_key(pointer)
    }
}

/// One rule of the list.
pub struct Lint {
    /// The name of its file.
    pub module: &'static str,
    /// What it is called and why it matters.
    pub rule: &'static Rule,
    /// Finds what is wrong; nothing for rules about the text, which are found while it is read.
    pub find: Option<fn(&Subject<'_, '_>) -> Vec<Finding>>,
    /// The text of its file: documentation and examples.
    pub source: &'static str,
}

macro_rules! rules {
    (graph: $($graph:ident),+ $(,)? ; text: $($text:ident),+ $(,)?) => {
        $(mod $graph;)+
        $(pub(crate) mod $text;)+

        /// Every rule, in the order in which findings are listed.
        pub static RULES: &[Lint] = &[
            $(Lint {
                module: stringify!($graph),
                rule: &$graph::RULE,
                find: Some($graph::find),
                source: include_str!(concat!(stringify!($graph), ".rs")),
            },)+
            $(Lint {
                module: stringify!($text),
                rule: &$text::RULE,
                find: None,
                source: include_str!(concat!(stringify!($text), ".rs")),
            },)+
        ];
    };
}

rules! {
    graph:
        unknown_node_kind,
        invalid_settings,
        duplicate_step_id,
        unknown_step,
        unknown_outcome,
        unwired_outcome,
        unknown_reference;
    text:
        yaml_boolean,
        duplicate_key,
}

/// Everything that is wrong with one flow or node.
pub fn check(resolved: &Resolved<'_>, part: &Part<'_>) -> Vec<Finding> {
    let subject = Subject { resolved, part };
    RULES.iter().filter_map(|lint| lint.find).flat_map(|find| find(&subject)).collect()
}

/// Where a flow enters something, directly or through something else: JSON pointer of the step.
pub(crate) fn place_of_callee(resolved: &Resolved<'_>, subject: &Part<'_>, callee: &Part<'_>) -> String {
    let entering = subject.graph.steps.iter().find(|step| match &step.entered {
        Some(Entered::Graph(index)) => resolved.parts.get(*index).is_some_and(|part| leads_to(resolved, part, callee)),
        _ => false,
    });
    entering.map_or_else(|| subject.graph.base.to_owned(), |step| step.pointer.clone())
}

fn leads_to(resolved: &Resolved<'_>, part: &Part<'_>, callee: &Part<'_>) -> bool {
    part.name == callee.name || {
        let entered = part.graph.steps.iter().filter_map(|step| match &step.entered {
            Some(Entered::Graph(index)) => resolved.parts.get(*index),
            _ => None,
        });
        entered.into_iter().any(|part| leads_to(resolved, part, callee))
    }
}

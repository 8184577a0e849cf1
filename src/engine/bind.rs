//! A program whose every step the engine can run. Settings were read when it was compiled, and are not looked at again.

use std::sync::Arc;

use idflow_flow::program::{Graph, GraphIndex, Program, Step, StepIndex};
use idflow_sandbox::Expression;

use crate::node::node;

/// A step whose kind gave the engine nothing to run. A mistake in the program, never the visitor's or author's doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{graph}, step {step}: the node kind {kind} has no behaviour in this program; please report it")]
pub struct BindError {
    /// The graph, for example `flow/sign-in`.
    pub graph: String,
    /// The step's id.
    pub step: String,
    /// The node kind.
    pub kind: &'static str,
}

/// A program whose every step can run. Shared by all journeys of the revision.
#[derive(Debug)]
pub struct Runnable {
    program: Arc<Program>,
}

impl Runnable {
    /// Accepts a program.
    pub fn new(program: Arc<Program>) -> Result<Self, BindError> {
        for graph in &program.graphs {
            if let Some(step) = graph.steps.iter().find(|step| node(step).is_none()) {
                let (graph, id) = (graph.name.clone(), step.id.clone());
                return Err(BindError { graph, step: id, kind: step.kind.name });
            }
        }
        Ok(Self { program })
    }

    /// What runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn graph(&self, graph: GraphIndex) -> Option<&Graph> {
        self.program.graphs.get(usize::from(graph))
    }

    pub(crate) fn step(&self, graph: GraphIndex, step: StepIndex) -> Option<&Step> {
        self.graph(graph)?.steps.get(usize::from(step))
    }

    pub(crate) fn outputs(&self, graph: GraphIndex) -> &[(String, Expression)] {
        self.graph(graph).map_or(&[], |graph| &graph.outputs)
    }
}

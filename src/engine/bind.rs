//! From a compiled program to bound nodes: settings are read, expressions and texts compiled, once per revision.

use std::sync::Arc;

use idflow_core::Value;
use idflow_flow::kinds::{Outcome, SettingsError};
use idflow_flow::program::{DirectoryContent, Graph, GraphIndex, Program, Step, StepIndex};
use idflow_sandbox::{Expression, Template};
use serde::de::DeserializeOwned;

use crate::turn::{Node, NodeKind};

/// A step that cannot be bound: this program does not understand the revision. Never the visitor's doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct BindError {
    /// The graph and the step, for example `flow/sign-in, step identify`.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl BindError {
    /// An error whose place is filled in by [`Runnable::bind`].
    pub fn new(message: impl Into<String>) -> Self {
        Self { place: String::new(), message: message.into() }
    }

    /// The same, for settings that a kind refuses.
    pub fn settings(error: &SettingsError) -> Self {
        Self::new(format!("settings{}: {error}", error.pointer))
    }

    fn at(mut self, graph: &Graph, step: Option<&Step>) -> Self {
        self.place = match step {
            Some(step) => format!("{}, step {}", graph.name, step.id),
            None => graph.name.clone(),
        };
        self
    }
}

/// What a node may use while it is bound to its step.
#[derive(Debug, Clone, Copy)]
pub struct Binder<'p> {
    program: &'p Program,
    graph: &'p Graph,
    step: &'p Step,
}

impl<'p> Binder<'p> {
    /// Reads settings strictly.
    pub fn settings<T: DeserializeOwned>(&self, settings: &Value) -> Result<T, BindError> {
        T::deserialize(settings).map_err(|error| BindError::new(format!("settings: {error}")))
    }

    /// Compiles a CEL expression.
    pub fn expression(&self, source: &str) -> Result<Expression, BindError> {
        Expression::compile(source).map_err(|error| BindError::new(format!("expression `{source}`: {error}")))
    }

    /// Compiles a text template.
    pub fn template(&self, source: &str) -> Result<Template, BindError> {
        Template::compile(source).map_err(|error| BindError::new(format!("template: {error}")))
    }

    /// Compiles one of the graph's texts, in every locale it has.
    pub fn text(&self, key: &str) -> Result<AuthoredText, BindError> {
        let missing = || BindError::new(format!("the flow has no text {key}"));
        let sources = self.graph.texts.get(key).ok_or_else(missing)?;
        let by_locale = sources
            .iter()
            .map(|(locale, source)| Ok((locale.clone(), self.template(source)?)))
            .collect::<Result<Vec<_>, BindError>>()?;
        let written = |locale: &&String| sources.contains_key(*locale);
        let default_locale = self.program.locales.iter().find(written).or_else(|| sources.keys().next());
        Ok(AuthoredText { default_locale: default_locale.ok_or_else(missing)?.clone(), by_locale })
    }

    /// A `Directory` as the revision pins it; without a name, the default one.
    pub fn directory(&self, name: Option<&str>) -> Result<(&'p str, &'p DirectoryContent), BindError> {
        let wanted = name.or(self.program.default_directory.as_deref());
        let wanted = wanted.ok_or_else(|| BindError::new("the revision has no default Directory"))?;
        let found = self.program.directories.get_key_value(wanted);
        let (name, content) = found
            .ok_or_else(|| BindError::new(format!("the revision does not pin the Directory {wanted}")))?;
        Ok((name, content))
    }

    /// Another step of the same graph.
    pub fn step(&self, id: &str) -> Option<&'p Step> {
        self.graph.steps.iter().find(|step| step.id == id)
    }
}

/// A text that the flow's author wrote, compiled in every locale it has.
#[derive(Debug, Clone)]
pub struct AuthoredText {
    pub(crate) default_locale: String,
    pub(crate) by_locale: Vec<(String, Template)>,
}

/// A program whose every step is bound to its node. Shared by all journeys of the revision.
pub struct Runnable {
    program: Arc<Program>,
    graphs: Vec<BoundGraph>,
}

struct BoundGraph {
    steps: Vec<BoundStep>,
    outputs: Vec<(String, Expression)>,
}

/// A step with its node, and what the node's facts allow it to claim.
pub(crate) struct BoundStep {
    pub(crate) node: Box<dyn Node>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) ends: bool,
}

impl std::fmt::Debug for Runnable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runnable")
            .field("flow", &self.program.flow)
            .field("digest", &self.program.digest)
            .finish_non_exhaustive()
    }
}

impl Runnable {
    /// Binds every step of a program.
    pub fn bind(program: Arc<Program>, kinds: &[&NodeKind]) -> Result<Self, BindError> {
        let graphs = program.graphs.iter().map(|graph| bound_graph(&program, graph, kinds));
        let graphs = graphs.collect::<Result<_, _>>()?;
        Ok(Self { program, graphs })
    }

    /// What it was bound from.
    pub fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn graph(&self, graph: GraphIndex) -> Option<&Graph> {
        self.program.graphs.get(usize::from(graph))
    }

    pub(crate) fn step(&self, graph: GraphIndex, step: StepIndex) -> Option<(&Step, &BoundStep)> {
        let written = self.graph(graph)?.steps.get(usize::from(step))?;
        let bound = self.graphs.get(usize::from(graph))?.steps.get(usize::from(step))?;
        Some((written, bound))
    }

    pub(crate) fn outputs(&self, graph: GraphIndex) -> &[(String, Expression)] {
        self.graphs.get(usize::from(graph)).map_or(&[], |graph| &graph.outputs)
    }
}

fn bound_graph(program: &Program, graph: &Graph, kinds: &[&NodeKind]) -> Result<BoundGraph, BindError> {
    let bind = |step| {
        let binder = Binder { program, graph, step };
        bound_step(binder, kinds).map_err(|error| error.at(graph, Some(step)))
    };
    let output = |(name, source): &(String, String)| {
        let expression = Expression::compile(source);
        let expression =
            expression.map_err(|error| BindError::new(format!("output {name}: {error}")).at(graph, None))?;
        Ok((name.clone(), expression))
    };
    Ok(BoundGraph {
        steps: graph.steps.iter().map(bind).collect::<Result<_, _>>()?,
        outputs: graph.outputs.iter().map(output).collect::<Result<_, _>>()?,
    })
}

fn bound_step(binder: Binder<'_>, kinds: &[&NodeKind]) -> Result<BoundStep, BindError> {
    let step = binder.step;
    let kind = kinds.iter().find(|kind| kind.kind.name == step.kind.name);
    let kind =
        kind.ok_or_else(|| BindError::new(format!("this program has no node kind {}", step.kind.name)))?;
    let facts = (kind.kind.facts)(&step.settings).map_err(|error| BindError::settings(&error))?;
    let is_within = |index: StepIndex| usize::from(index) < binder.graph.steps.len();
    let callee_exists = step.callee.is_none_or(|callee| usize::from(callee) < binder.program.graphs.len());
    if !callee_exists || !step.wires.iter().all(|wire| is_within(wire.to)) || !is_within(binder.graph.start) {
        return Err(BindError::new("a wire leads nowhere"));
    }
    let node = (kind.bind)(&step.settings, &binder)?;
    Ok(BoundStep { node, outcomes: facts.outcomes, ends: facts.end.is_some() })
}

//! Content to program: names become indices, once, when a revision is loaded.

use std::collections::{BTreeMap, BTreeSet};

use idflow_core::digest::Digest;
use idflow_core::time::Span;
use idflow_sandbox::Expression;

use crate::content::{Content, FIRST_FORMAT, FORMAT, GraphContent, MAX_CONTENT, StepContent, is_read};
use crate::facts::{Callee, Facts, SettingsError, Sink, Use};
use crate::formats::{self, Words};
use crate::kinds::Kinds;
use crate::pinned::Directories;
use crate::plan::{AuthoredText, Plan, Scope, expression};
use crate::program::{Graph, GraphIndex, Program, SESSION, SignUp, Step, StepIndex, Wire};
use crate::proven_order;

/// How long one journey may take when the flow does not say. Fixed with format 1.
pub const DEFAULT_LIFETIME: Span = Span::minutes(30);

/// The locale of a flow that names none. Fixed with format 1.
pub const DEFAULT_LOCALE: &str = "en";

/// A content that this program cannot run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It is not the JSON that a revision has.
    #[error("the revision's content cannot be read: {0}; it was not written by idflow")]
    Unreadable(String),
    /// It is larger than 160 KiB.
    #[error("the revision's content has {0} bytes, more than a revision may have")]
    TooLarge(usize),
    /// It was written by a newer program.
    #[error(
        "the revision has format {0}, and this program knows formats up to {FORMAT}; update the executor"
    )]
    UnknownFormat(u32),
    /// A step has a node kind that this program does not have.
    #[error("step {step} of {graph} is a {kind}, which this program does not know; update the executor")]
    UnknownKind {
        /// The graph.
        graph: String,
        /// The step.
        step: String,
        /// The node kind.
        kind: String,
    },
    /// A wire leads to a step that does not exist.
    #[error("{graph} names a step {step} that does not exist")]
    UnknownStep {
        /// The graph.
        graph: String,
        /// The step that is missing.
        step: String,
    },
    /// A step enters a graph that is not part of the content.
    #[error("{graph} enters {callee}, which is not part of the revision")]
    UnknownGraph {
        /// The graph.
        graph: String,
        /// The graph that is missing.
        callee: String,
    },
    /// An output of a node does not compile.
    #[error("the output {output} of {graph} does not compile: {problem}")]
    Output {
        /// The graph.
        graph: String,
        /// The output.
        output: String,
        /// What is wrong.
        problem: String,
    },
    /// A step's settings are not what its kind takes.
    #[error("step {step} of {graph} has settings that its kind does not take: {}: {error}", error.pointer)]
    Settings {
        /// The graph.
        graph: String,
        /// The step.
        step: String,
        /// What is wrong.
        error: SettingsError,
    },
}

impl Program {
    /// Compiles the content of a revision. Checks its structure and nothing else: whether it is the content that
    /// the digest stands for is the caller's to compare, by [`Program::digest`].
    pub fn load(content: &str, kinds: Kinds) -> Result<Self, LoadError> {
        if content.len() > MAX_CONTENT {
            return Err(LoadError::TooLarge(content.len()));
        }
        let digest = Digest::of(content);
        let mut content: Content =
            serde_json::from_str(content).map_err(|error| unreadable(content, &error))?;
        if !is_read(content.format) {
            return Err(LoadError::UnknownFormat(content.format));
        }
        if content.format == FIRST_FORMAT {
            content.graphs.iter_mut().for_each(bring_up_to_date);
        }
        let names: Vec<&str> = content.graphs.iter().map(|graph| graph.name.as_str()).collect();
        if names.is_empty() || names.len() > usize::from(GraphIndex::MAX) {
            return Err(LoadError::Unreadable("it has no graph, or too many".to_owned()));
        }
        let promises_languages = !content.locales.is_empty();
        let languages = if promises_languages { content.locales.clone() } else { written(&content.graphs) };
        let locales = match content.locales {
            none if none.is_empty() => vec![DEFAULT_LOCALE.to_owned()],
            some => some,
        };
        let directories = Directories { by_name: content.directories, default: content.default_directory };
        let graphs = content.graphs.iter().map(|graph| {
            let steps = graph.steps.iter().map(|step| (step.id.as_str(), step.kind.as_str())).collect();
            let texts = &graph.texts;
            let (wires, shared) = (&graph.outcomes, &graph.outcomes);
            let scope =
                Scope { texts, locales: &locales, steps: &steps, wires, shared, directories: &directories };
            Loader { graph, graphs: &names, kinds, scope }.graph()
        });
        let graphs = proven_order::marked(graphs.collect::<Result<_, _>>()?);
        Ok(Self {
            digest,
            flow: content.flow,
            flow_type: content.flow_type,
            lifetime: content.lifetime.unwrap_or(DEFAULT_LIFETIME),
            locales,
            languages,
            promises_languages,
            directories,
            graphs,
        })
    }
}

/// Puts a graph of the first format into today's words.
fn bring_up_to_date(graph: &mut GraphContent) {
    for step in &mut graph.steps {
        let StepContent { kind, settings, outcomes, .. } = step;
        let current = formats::current(Words { kind, settings, outcomes, shared: &graph.outcomes });
        (*settings, *outcomes) = (current.settings.into_owned(), current.outcomes.into_owned());
    }
}

/// A newer format may have fields that this program does not know: say that first.
fn unreadable(content: &str, error: &serde_json::Error) -> LoadError {
    let format = serde_json::from_str::<serde_json::Value>(content).ok();
    let format =
        format.and_then(|value| value.get("format")?.as_u64()).and_then(|format| u32::try_from(format).ok());
    match format {
        Some(format) if !is_read(format) => LoadError::UnknownFormat(format),
        _ => LoadError::Unreadable(error.to_string()),
    }
}

struct Loader<'a> {
    graph: &'a GraphContent,
    graphs: &'a [&'a str],
    kinds: Kinds,
    scope: Scope<'a>,
}

impl Loader<'_> {
    fn graph(&self) -> Result<Graph, LoadError> {
        let mut order: Vec<&StepContent> = self.graph.steps.iter().collect();
        order.sort_by(|a, b| a.id.cmp(&b.id));
        let index: BTreeMap<&str, StepIndex> =
            order.iter().zip(0..StepIndex::MAX).map(|(step, index)| (step.id.as_str(), index)).collect();
        if index.len() != self.graph.steps.len() {
            return Err(LoadError::Unreadable(format!("{} has two steps of one id", self.graph.name)));
        }
        let mut texts = BTreeMap::new();
        let steps = order.iter().map(|step| self.step(step, &index, &mut texts));
        Ok(Graph {
            name: self.graph.name.clone(),
            start: self.find(&index, &self.graph.start)?,
            steps: steps.collect::<Result<_, _>>()?,
            texts,
            outputs: self.graph.outputs.iter().map(|output| self.output(output)).collect::<Result<_, _>>()?,
        })
    }

    fn output(&self, (name, source): (&String, &String)) -> Result<(String, Expression), LoadError> {
        match expression(String::new(), source, Sink::Variable) {
            (expression, Use { refused: None, .. }) => Ok((name.clone(), expression)),
            (_, Use { refused: Some(refused), .. }) => Err(LoadError::Output {
                graph: self.graph.name.clone(),
                output: name.clone(),
                problem: refused.message,
            }),
        }
    }

    /// Compiles a step, and adds the texts that it says.
    fn step(
        &self,
        step: &StepContent,
        index: &BTreeMap<&str, StepIndex>,
        texts: &mut BTreeMap<String, AuthoredText>,
    ) -> Result<Step, LoadError> {
        let kind = self.kinds.find(&step.kind).ok_or_else(|| LoadError::UnknownKind {
            graph: self.graph.name.clone(),
            step: step.id.clone(),
            kind: step.kind.clone(),
        })?;
        let refused =
            |error| LoadError::Settings { graph: self.graph.name.clone(), step: step.id.clone(), error };
        let (plan, problems) =
            kind.planned(&step.settings, Scope { wires: &step.outcomes, ..self.scope }).map_err(refused)?;
        if let Some(problem) = problems.into_iter().next() {
            return Err(refused(problem));
        }
        let Plan { facts, behaviour, texts: said } = plan;
        texts.extend(said.into_iter().map(|text| (text.key.clone(), text)));
        Ok(Step {
            id: step.id.clone(),
            kind,
            wires: self.wires(step, &facts, index)?,
            callee: facts.call.as_ref().map(|call| self.callee(&call.callee)).transpose()?,
            ends: facts.end.is_some(),
            sign_up: if facts.finishes_sign_up() { SignUp::Finishes } else { SignUp::Other },
            reads_session: facts.uses.iter().flat_map(|used| &used.reads).any(|read| read.root() == SESSION),
            signs_out: facts.ends_session,
            outcomes: facts.outcomes,
            behaviour,
        })
    }

    /// A step's own wires, then those it inherits. An end has none, so that nothing can go on after it.
    fn wires(
        &self,
        step: &StepContent,
        facts: &Facts,
        index: &BTreeMap<&str, StepIndex>,
    ) -> Result<Vec<Wire>, LoadError> {
        if facts.end.is_some() {
            return Ok(Vec::new());
        }
        let mut known = BTreeSet::new();
        let mut wires = Vec::new();
        for (outcome, target) in step.outcomes.iter().chain(&self.graph.outcomes) {
            if known.insert(outcome) {
                wires.push(Wire { outcome: outcome.clone(), to: self.find(index, target)? });
            }
        }
        Ok(wires)
    }

    fn find(&self, index: &BTreeMap<&str, StepIndex>, step: &str) -> Result<StepIndex, LoadError> {
        let missing = || LoadError::UnknownStep { graph: self.graph.name.clone(), step: step.to_owned() };
        index.get(step).copied().ok_or_else(missing)
    }

    fn callee(&self, callee: &Callee) -> Result<GraphIndex, LoadError> {
        let callee = callee.graph_name();
        let at = self.graphs.iter().zip(0..GraphIndex::MAX).find(|(name, _)| **name == callee);
        let missing = || LoadError::UnknownGraph { graph: self.graph.name.clone(), callee };
        at.map(|(_, index)| index).ok_or_else(missing)
    }
}

/// The languages that texts are written in.
fn written(graphs: &[GraphContent]) -> Vec<String> {
    let texts = graphs.iter().flat_map(|graph| graph.texts.values());
    let languages: BTreeSet<&String> = texts.flat_map(BTreeMap::keys).collect();
    languages.into_iter().cloned().collect()
}

//! A flow or node as the checks see it: steps with their facts, and edges between them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use idflow_core::{Data, Value};

use crate::diagnostic::{ObjectId, Place, token};
use crate::facts::{End, Facts, Outcome, SettingsError, Use, ValueType};
use crate::formats::edit::authored;
use crate::formats::{self, Edit, Words};
use crate::kinds::{Kind, Kinds};
use crate::pinned::Texts;
use crate::plan::Scope;
use crate::proofs::Alternatives;

/// Outcomes that the engine itself brings about, on steps that can have them.
pub const ENGINE_OUTCOMES: [&str; 4] = ["error", "cancel", "back", "timeout"];

/// Outcomes that have a safe default when they are not wired.
pub const SAFE_OUTCOMES: [&str; 5] = ["error", "cancel", "back", "timeout", "locked"];

/// What a graph is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A flow that a visitor or an application starts; its type.
    Journey(String),
    /// A flow of type `Library`.
    Library,
    /// A `FlowNode`.
    Node,
}

/// A flow or node.
#[derive(Debug)]
pub struct Graph<'a> {
    /// The object it stands in.
    pub object: ObjectId,
    /// What it is part of.
    pub role: Role,
    /// JSON pointer of what holds `start`, `outcomes` and `steps`, for example `/spec`.
    pub base: &'static str,
    /// The id of the first step, as written.
    pub start: &'a str,
    /// Wiring that every step inherits.
    pub shared: &'a BTreeMap<String, String>,
    /// Its steps, in the order they are written.
    pub steps: Vec<Step<'a>>,
    /// Texts by key, then by locale.
    pub texts: Texts,
    /// Keys of texts that stand in the object itself, with their pointers.
    pub own_texts: BTreeMap<String, String>,
    /// The declared locales, the default first.
    pub locales: Vec<String>,
    /// What the caller passes, by its name in `input`.
    pub inputs: BTreeMap<String, Input>,
    /// For nodes: outputs computed on every exit.
    pub outputs: Vec<NamedUse>,
    /// For nodes: the outcomes that are declared.
    pub outcomes: Option<Vec<String>>,
    /// What brings old words of the object up to date, but for those of its steps.
    pub(crate) edits: Vec<Edit>,
}

/// A step.
#[derive(Debug)]
pub struct Step<'a> {
    /// Its id.
    pub id: &'a str,
    /// JSON pointer of the step.
    pub pointer: String,
    /// Its node object; nothing when the step does not have exactly one.
    pub node: Option<Node<'a>>,
    /// The names of all node objects, as written.
    pub nodes: Vec<&'a str>,
    /// What it does; nothing but the wires when that could not be found out.
    pub facts: Facts,
    /// Whether the facts are known.
    pub is_known: bool,
    /// Its wires: outcome → step id.
    pub wires: Cow<'a, BTreeMap<String, String>>,
    /// The wires as written.
    pub(crate) authored_wires: &'a BTreeMap<String, String>,
    /// What brought its old words up to date.
    pub(crate) edits: Vec<Edit>,
    /// Whether it says something in words that the first format does not have.
    pub(crate) is_new: bool,
    /// Where it can lead.
    pub edges: Vec<Edge>,
    /// What it reads and where that goes.
    pub uses: Vec<Use>,
    /// What each outcome proves.
    pub proves: BTreeMap<String, Alternatives>,
    /// For `call` and `node`: the graph that is entered, or why none can be.
    pub entered: Option<Entered>,
    /// For `call` and `node`: the Directories in which what is entered changes a user on the strength of what was
    /// proven before.
    pub enters_changes: BTreeSet<String>,
    /// Whether it, or a way back in what it enters, may forget what was proven before.
    pub forgets: bool,
}

/// What a `call` or `node` step enters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// This graph of the same resolution.
    Graph(usize),
    /// The object does not exist yet.
    Missing(ObjectId),
    /// A flow that is not of type `Library`; its type.
    NotLibrary(String),
    /// It would lead back to itself; the names on the way.
    Recursive(Vec<String>),
    /// Too many flows and nodes are entered inside each other.
    TooDeep,
}

/// What a caller passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// Whether it must.
    pub required: bool,
    /// Its type.
    pub value_type: ValueType,
}

/// The node object of a step.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// The name of its kind, as written.
    pub name: &'a str,
    /// The kind, if it exists.
    pub kind: Option<&'static Kind>,
    /// Its settings, in today's words.
    pub settings: Cow<'a, Value>,
    /// Its settings as written.
    pub(crate) authored: &'a Value,
    /// What is wrong with the settings.
    pub refused: Option<SettingsError>,
}

/// A way from one step to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// By which outcome.
    pub outcome: String,
    /// The index of the step it leads to.
    pub to: usize,
}

/// An output of a node.
#[derive(Debug)]
pub struct NamedUse {
    /// Its name.
    pub name: String,
    /// Its type.
    pub value_type: ValueType,
    /// Its source.
    pub source: String,
    /// What it reads.
    pub used: Use,
}

/// A step as the author wrote it.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// Its id.
    pub id: &'a str,
    /// Outcome → step id.
    pub outcomes: &'a BTreeMap<String, String>,
    /// Wiring that it inherits.
    pub shared: &'a BTreeMap<String, String>,
    /// The node object: one member, named for its kind.
    pub node: &'a Data,
}

impl<'a> Step<'a> {
    /// A step with the facts its kind tells about it.
    pub fn new(written: Written<'a>, pointer: String, kinds: Kinds, scope: Scope<'_>) -> Self {
        let Written { outcomes, shared, .. } = written;
        let only = written.node.iter().next().filter(|_| written.node.len() == 1);
        let mut facts = None;
        let mut wires = Cow::Borrowed(outcomes);
        let (mut edits, mut is_new) = (Vec::new(), false);
        let node = only.map(|(name, authored)| {
            let kind = kinds.find(name);
            let current = formats::current(Words { kind: name, settings: authored, outcomes, shared });
            let settings = current.settings;
            (wires, edits, is_new) = (current.outcomes, current.edits, current.is_new);
            let refused = match kind.map(|kind| kind.planned(&settings, Scope { wires: &wires, ..scope })) {
                // What leads nowhere is found by the rules, each with the place that fits it.
                Some(Ok((plan, _))) => {
                    facts = Some(plan.facts);
                    None
                }
                Some(Err(error)) => Some(error),
                None => None,
            };
            Node { name, kind, settings, authored, refused }
        });
        let is_known = facts.is_some();
        let mut facts = facts.unwrap_or_default();
        let uses = std::mem::take(&mut facts.uses);
        let mut step = Self {
            id: written.id,
            pointer,
            node,
            nodes: written.node.keys().map(String::as_str).collect(),
            proves: facts.outcomes.iter().map(proven).collect(),
            forgets: facts.outcomes.iter().any(|outcome| outcome.forgets_user),
            facts,
            is_known,
            wires,
            authored_wires: outcomes,
            edits,
            is_new,
            edges: Vec::new(),
            uses: Vec::new(),
            entered: None,
            enters_changes: BTreeSet::new(),
        };
        let placed = |used: Use| Use { pointer: step.node_pointer(&used.pointer), ..used };
        step.uses = uses.into_iter().map(placed).collect();
        step
    }

    /// The graph that is entered, if the step enters one.
    pub fn graph_entered(&self) -> Option<usize> {
        match &self.entered {
            Some(Entered::Graph(index)) => Some(*index),
            _ => None,
        }
    }

    /// JSON pointer of something below the node object, where its author wrote it.
    pub fn node_pointer(&self, below: &str) -> String {
        match &self.node {
            Some(node) => {
                let below = authored(&self.edits, &format!("/{}{below}", token(node.name)));
                format!("{}{below}", self.pointer)
            }
            None => self.pointer.clone(),
        }
    }

    /// Whether the step has this outcome, by its kind or by the engine.
    pub fn can_end_by(&self, outcome: &str) -> bool {
        if self.facts.end.is_some() {
            return false;
        }
        let by_engine = match outcome {
            "error" => true,
            "cancel" | "back" | "timeout" => self.facts.shows_page,
            // Comes up from within what is entered, when nothing in there is wired for it.
            "locked" => self.facts.call.is_some(),
            _ => false,
        };
        by_engine || self.facts.outcomes.iter().any(|known| known.name == outcome)
    }

    /// The Directories in which the step changes the identified user, so that somebody must have shown to be that user.
    pub fn changes(&self) -> impl Iterator<Item = &String> {
        self.facts.changes_user.iter().chain(&self.enters_changes)
    }
}

fn proven(outcome: &Outcome) -> (String, Alternatives) {
    (outcome.name.clone(), Alternatives::one(outcome.proofs.iter().cloned().collect()))
}

impl Graph<'_> {
    /// The index of a step.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.id == id)
    }

    /// The index of the first step, if it exists.
    pub fn start(&self) -> Option<usize> {
        self.find(self.start)
    }

    /// Draws the edges. Called once the facts of every step are complete, those of `call` and `node` included.
    pub fn connect(&mut self) {
        let index: BTreeMap<&str, usize> =
            self.steps.iter().enumerate().rev().map(|(index, step)| (step.id, index)).collect();
        let shared = self.shared;
        for step in &mut self.steps {
            step.edges = edges(step, shared, &index);
        }
    }

    /// The place of something in the object.
    pub fn at(&self, pointer: impl Into<String>) -> Place {
        self.object.at(pointer)
    }

    /// The steps that can be reached from the start, by index.
    pub fn reached(&self) -> Vec<bool> {
        let mut reached = vec![false; self.steps.len()];
        let mut open: Vec<usize> = self.start().into_iter().collect();
        while let Some(index) = open.pop() {
            if let (Some(mark @ false), Some(step)) = (reached.get_mut(index), self.steps.get(index)) {
                *mark = true;
                open.extend(step.edges.iter().map(|edge| edge.to));
            }
        }
        reached
    }

    /// The `exit` steps: index, outcome.
    pub fn exits(&self) -> impl Iterator<Item = (usize, &str)> {
        self.steps.iter().enumerate().filter_map(|(index, step)| match &step.facts.end {
            Some(End::Exit { outcome, .. }) => Some((index, outcome.as_str())),
            _ => None,
        })
    }
}

/// A step's own wires, then those it inherits; as [`crate::compile`] draws them.
fn edges(step: &Step<'_>, shared: &BTreeMap<String, String>, index: &BTreeMap<&str, usize>) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    let mut draw = |outcome: &str, target: &str| {
        if edges.iter().any(|edge| edge.outcome == outcome) {
            return;
        }
        if let Some(to) = index.get(target) {
            edges.push(Edge { outcome: outcome.to_owned(), to: *to });
        }
    };
    for (outcome, target) in step.wires.iter() {
        if !step.is_known || step.can_end_by(outcome) {
            draw(outcome, target);
        }
    }
    for (outcome, target) in shared {
        if step.is_known && step.can_end_by(outcome) {
            draw(outcome, target);
        }
    }
    edges
}

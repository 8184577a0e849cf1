//! Gathers everything a flow or node is made of: its steps with their facts, what it enters, texts and directories.
//!
//! A callee is resolved and analysed before its caller, so that the facts of a `call` or `node` step (outcomes,
//! outputs, what they prove, whether a user is needed) are those of the graph it enters.

use std::collections::{BTreeMap, BTreeSet};

use idflow_api::directory::Attribute;
use idflow_api::flow_node::FlowNode;
use idflow_api::flow_revision::Source;
use idflow_api::{Directory, Flow, FlowType};

use crate::dataflow::Dataflow;
use crate::diagnostic::{ObjectId, token};
use crate::facts::{Callee, ReferenceKind, Sink, Use, of_value};
use crate::formats;
use crate::graph::{Entered, Graph, Input, NamedUse, Role, Step, Written};
use crate::kinds::Kinds;
use crate::objects::{Objects, RefusedTexts, config_map_texts, source};
use crate::pinned::{AttributeContent, Directories, DirectoryContent, Texts};
use crate::plan::{Scope, expression};
use crate::summary::{Summary, complete_facts};

/// How many flows and nodes may be entered inside each other, the outermost included. The engine stops there too.
pub const MAX_DEPTH: usize = 16;

/// A flow or node with everything it enters.
pub struct Resolved<'a> {
    /// Everything that is entered, callees before callers; the last one is the flow or node itself.
    pub parts: Vec<Part<'a>>,
    /// The objects it was resolved among.
    pub objects: &'a Objects,
    /// The kinds it was resolved with.
    pub kinds: Kinds,
}

/// One resolved graph.
pub struct Part<'a> {
    /// `flow/<name>` or `node/<name>`.
    pub name: String,
    /// The graph.
    pub graph: Graph<'a>,
    /// Its analysis.
    pub dataflow: Dataflow,
    /// What a caller must know of it.
    pub summary: Summary,
    /// The objects its content comes from.
    pub sources: Vec<Source>,
    /// Objects that are named and do not exist, with the pointer that names them.
    pub missing: Vec<(String, ObjectId)>,
    /// What holds no texts, with the pointer that names its `ConfigMap`.
    pub refused_texts: Vec<(String, RefusedTexts)>,
    /// For a flow, its manifest.
    pub flow: Option<&'a Flow>,
}

/// What is resolved.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// A flow.
    Flow(&'a Flow),
    /// A node.
    Node(&'a FlowNode),
}

/// Resolves a flow or node.
pub fn resolve<'a>(subject: Subject<'a>, objects: &'a Objects, kinds: Kinds) -> Resolved<'a> {
    let directories = known_directories(objects);
    let mut resolver = Resolver { parts: Vec::new(), path: Vec::new(), objects, kinds, directories };
    resolver.part(subject);
    Resolved { parts: resolver.parts, objects, kinds }
}

impl<'a> Resolved<'a> {
    /// The flow or node itself.
    pub fn subject(&self) -> usize {
        self.parts.len().saturating_sub(1)
    }

    /// Every object that is named and does not exist.
    pub fn missing(&self) -> Vec<ObjectId> {
        let missing: BTreeSet<_> =
            self.parts.iter().flat_map(|part| &part.missing).map(|(_, object)| object.clone()).collect();
        missing.into_iter().collect()
    }

    /// Whether the first graph enters the second, directly or through others.
    pub fn leads_to(&self, from: usize, to: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(index) = open.pop() {
            let Some(part) = self.parts.get(index).filter(|_| seen.insert(index)) else { continue };
            if part.name == to {
                return true;
            }
            open.extend(part.graph.steps.iter().filter_map(Step::graph_entered));
        }
        false
    }

    /// The Directory that a reference means.
    pub fn directory(&self, name: Option<&str>) -> Option<&'a Directory> {
        let found = match name {
            Some(name) => self.objects.directories.get(name),
            None => self.objects.default_directory(),
        };
        found.map(AsRef::as_ref)
    }

    /// What is known of an attribute in the Directory that a step names.
    pub fn attribute(&self, step: &Step<'_>, name: &str) -> Option<&'a Attribute> {
        let mut references = step.facts.references.iter().filter(|one| one.kind == ReferenceKind::Directory);
        let directory = references.find_map(|one| self.directory(one.name.as_deref()))?;
        directory.spec.attributes.iter().find(|known| known.name == name)
    }

    /// The Directories that users of this flow may live in: those its steps name, else the default one.
    pub fn directories(&self) -> Vec<&'a Directory> {
        let named: BTreeSet<Option<&str>> = self
            .steps()
            .flat_map(|step| &step.facts.references)
            .filter(|reference| reference.kind == ReferenceKind::Directory)
            .map(|reference| reference.name.as_deref())
            .collect();
        if named.is_empty() {
            return self.directory(None).into_iter().collect();
        }
        named.into_iter().filter_map(|name| self.directory(name)).collect()
    }

    /// Whether anything depends on the default Directory.
    pub fn uses_default_directory(&self) -> bool {
        let mut references = self.steps().flat_map(|step| &step.facts.references);
        let mut any = false;
        let unnamed = references.any(|reference| {
            any |= reference.kind == ReferenceKind::Directory;
            reference.kind == ReferenceKind::Directory && reference.name.is_none()
        });
        unnamed || (!any && self.reads_user())
    }

    /// What a revision pins of the Directories: the attributes that are used, and those that identify.
    pub fn pinned_directories(&self) -> BTreeMap<String, DirectoryContent> {
        let uses_any = self.uses_default_directory()
            || self
                .steps()
                .any(|step| step.facts.references.iter().any(|r| r.kind == ReferenceKind::Directory));
        if !uses_any {
            return BTreeMap::new();
        }
        let read = self.attributes_read();
        let pinned = self.directories().into_iter().map(|directory| {
            let name = directory.metadata.name.clone().unwrap_or_default();
            let content = self.pinned(directory, &read);
            (name, content)
        });
        pinned.collect()
    }

    fn pinned(&self, directory: &Directory, read: &BTreeSet<&str>) -> DirectoryContent {
        let named = directory.metadata.name.as_deref();
        let is_default =
            self.directory(None).is_some_and(|default| default.metadata.name.as_deref() == named);
        let references = self.steps().flat_map(|step| &step.facts.references).filter(|reference| {
            reference.kind == ReferenceKind::Directory
                && (reference.name.as_deref() == named || (reference.name.is_none() && is_default))
        });
        let uses: Vec<_> = references.flat_map(|reference| &reference.attributes).collect();
        // A step that writes attributes must know which ones a user cannot be without.
        let writes = uses.iter().any(|attribute| !attribute.identifies);
        let named_attributes: BTreeSet<&str> = uses.iter().map(|attribute| attribute.name.as_str()).collect();
        let spec = &directory.spec;
        let attributes = spec.attributes.iter().filter(|attribute| {
            let name = attribute.name.as_str();
            named_attributes.contains(name)
                || read.contains(name)
                || spec.identifiers.iter().any(|identifier| identifier == name)
                || (writes && attribute.required)
        });
        DirectoryContent {
            identifiers: spec.identifiers.clone(),
            attributes: attributes.map(pinned_attribute).collect(),
        }
    }

    fn steps(&self) -> impl Iterator<Item = &Step<'a>> {
        self.parts.iter().flat_map(|part| &part.graph.steps)
    }

    fn reads_user(&self) -> bool {
        self.uses().any(|used| used.reads.iter().any(|read| read.root() == "user"))
    }

    fn uses(&self) -> impl Iterator<Item = &Use> {
        self.parts.iter().flat_map(|part| {
            let outputs = part.graph.outputs.iter().map(|output| &output.used);
            part.graph.steps.iter().flat_map(|step| &step.uses).chain(outputs)
        })
    }

    fn attributes_read(&self) -> BTreeSet<&str> {
        let reads = self.uses().flat_map(|used| &used.reads).filter(|read| read.root() == "user");
        reads.filter_map(|read| read.path.get(1)).map(String::as_str).collect()
    }
}

struct Resolver<'a> {
    parts: Vec<Part<'a>>,
    /// The graphs that are being resolved, outermost first.
    path: Vec<String>,
    objects: &'a Objects,
    kinds: Kinds,
    directories: Directories,
}

/// Every Directory with all its attributes. What a revision pins of them follows from the steps; no fact depends on
/// more than their names.
fn known_directories(objects: &Objects) -> Directories {
    let known = objects.directories.iter().map(|(name, directory)| {
        let attributes = directory.spec.attributes.iter().map(pinned_attribute).collect();
        (name.clone(), DirectoryContent { identifiers: directory.spec.identifiers.clone(), attributes })
    });
    let default = objects.default_directory().and_then(|directory| directory.metadata.name.clone());
    Directories { by_name: known.collect(), default }
}

fn pinned_attribute(attribute: &Attribute) -> (String, AttributeContent) {
    let value_type = attribute.type_.plain();
    (
        attribute.name.clone(),
        AttributeContent { value_type, unique: attribute.unique, required: attribute.required },
    )
}

impl<'a> Resolver<'a> {
    fn part(&mut self, subject: Subject<'a>) -> usize {
        let mut part = match subject {
            Subject::Flow(flow) => self.flow(flow),
            Subject::Node(node) => self.node(node),
        };
        self.path.push(part.name.clone());
        for index in 0..part.graph.steps.len() {
            self.enter(&mut part, index);
        }
        self.path.pop();
        self.find_missing(&mut part);
        place_texts(&mut part.graph);
        part.graph.connect();
        part.dataflow = Dataflow::of(&part.graph);
        part.summary = Summary::of(&part.graph, &part.dataflow);
        self.parts.push(part);
        self.parts.len() - 1
    }

    fn flow(&self, flow: &'a Flow) -> Part<'a> {
        let spec = &flow.spec;
        let name = flow.metadata.name.clone().unwrap_or_default();
        let mut sources = vec![source("Flow", &flow.metadata)];
        let (mut missing, mut refused_texts) = (Vec::new(), Vec::new());
        let own = spec.texts.iter().flat_map(|(key, texts)| texts.keys().map(move |locale| (key, locale)));
        let pointer = |(key, locale): (&String, &String)| {
            (format!("{key}/{locale}"), format!("/spec/texts/{}/{}", token(key), token(locale)))
        };
        let own_texts = own.map(pointer).collect();
        let mut texts = spec.texts.clone();
        for (index, map) in spec.texts_from.iter().enumerate() {
            let pointer = format!("/spec/textsFrom/{index}");
            let Some(found) = self.objects.config_maps.get(map) else {
                missing.push((pointer, ObjectId::new("ConfigMap", map)));
                continue;
            };
            sources.push(source("ConfigMap", &found.metadata));
            let (more, refused) = config_map_texts(found);
            merge_texts(&mut texts, more);
            refused_texts.extend(refused.into_iter().map(|refused| (pointer.clone(), refused)));
        }
        let role = match spec.type_ {
            FlowType::Library => Role::Library,
            other => Role::Journey(other.as_str().to_owned()),
        };
        let graph = Graph {
            object: ObjectId::new("Flow", &name),
            role,
            base: "/spec",
            start: &spec.start,
            shared: &spec.outcomes,
            steps: self.steps((&spec.steps, &spec.outcomes), "/spec/steps", &texts, &spec.locales),
            texts,
            own_texts,
            locales: spec.locales.clone(),
            inputs: inputs(&spec.inputs),
            outputs: Vec::new(),
            outcomes: None,
            edits: Vec::new(),
        };
        new_part(format!("flow/{name}"), graph, sources, missing, refused_texts, Some(flow))
    }

    fn node(&self, node: &'a FlowNode) -> Part<'a> {
        static NO_OUTCOMES: BTreeMap<String, String> = BTreeMap::new();
        let name = node.metadata.name.clone().unwrap_or_default();
        let spec = &node.spec;
        let (implementation, base) = spec.implementation.graph().unzip();
        let base = base.unwrap_or("/spec/implementation");
        let outputs = spec.outputs.iter().enumerate().map(|(index, output)| {
            let pointer = format!("/spec/outputs/{index}/value");
            NamedUse {
                name: output.name.clone(),
                value_type: output.type_,
                source: output.value.clone(),
                used: expression(pointer, &output.value, Sink::Variable).1.giving(&of_value(output.type_)),
            }
        });
        let outcomes = if spec.outcomes.is_empty() { vec!["next".to_owned()] } else { spec.outcomes.clone() };
        let graph = Graph {
            object: ObjectId::new("FlowNode", &name),
            role: Role::Node,
            base,
            start: implementation.map_or("", |graph| graph.start.as_str()),
            shared: implementation.map_or(&NO_OUTCOMES, |graph| &graph.outcomes),
            steps: implementation
                .map(|graph| {
                    let pointer = format!("{base}/steps");
                    self.steps((&graph.steps, &graph.outcomes), &pointer, &Texts::new(), &[])
                })
                .unwrap_or_default(),
            texts: Texts::new(),
            own_texts: BTreeMap::new(),
            locales: Vec::new(),
            inputs: inputs(spec.inputs()),
            outputs: outputs.collect(),
            outcomes: Some(outcomes),
            edits: formats::flow_node::of(|pointer| spec.has(pointer)),
        };
        let sources = vec![source("FlowNode", &node.metadata)];
        new_part(format!("node/{name}"), graph, sources, Vec::new(), Vec::new(), None)
    }

    fn steps(
        &self,
        (steps, shared): (&'a [idflow_api::Step], &'a BTreeMap<String, String>),
        pointer: &str,
        texts: &Texts,
        locales: &[String],
    ) -> Vec<Step<'a>> {
        let kind = |step: &'a idflow_api::Step| step.node.keys().next().map_or("", String::as_str);
        let by_id = steps.iter().map(|step| (step.id.as_str(), kind(step))).collect();
        let directories = &self.directories;
        let scope = Scope { texts, locales, steps: &by_id, wires: shared, shared, directories };
        let written = steps.iter().enumerate().map(|(index, step)| {
            let written = Written { id: &step.id, outcomes: &step.outcomes, shared, node: &step.node };
            Step::new(written, format!("{pointer}/{index}"), self.kinds, scope)
        });
        written.collect()
    }

    /// Resolves what a step enters and completes the step's facts from it.
    fn enter(&mut self, part: &mut Part<'a>, index: usize) {
        let Some(call) = part.graph.steps.get(index).and_then(|step| step.facts.call.clone()) else { return };
        let entered = self.callee(&call.callee);
        let Some(step) = part.graph.steps.get_mut(index) else { return };
        if let Entered::Graph(callee) = &entered {
            if let Some(callee) = self.parts.get(*callee) {
                complete_facts(step, &callee.graph, &callee.summary, &call.arguments);
            }
        } else {
            step.is_known = false;
        }
        if let Entered::Missing(object) = &entered {
            part.missing.push((step.node_pointer(&call.pointer), object.clone()));
        }
        step.entered = Some(entered);
    }

    fn callee(&mut self, callee: &Callee) -> Entered {
        let name = callee.graph_name();
        if let Some(at) = self.path.iter().position(|open| *open == name) {
            let way = self.path.iter().skip(at).chain([&name]).cloned().collect();
            return Entered::Recursive(way);
        }
        if let Some(index) = self.parts.iter().position(|part| part.name == name) {
            return Entered::Graph(index);
        }
        if self.path.len() >= MAX_DEPTH {
            return Entered::TooDeep;
        }
        match callee {
            Callee::Flow(name) => match self.objects.flows.get(name) {
                None => Entered::Missing(ObjectId::new("Flow", name)),
                Some(flow) if flow.spec.type_ != FlowType::Library => {
                    Entered::NotLibrary(flow.spec.type_.as_str().to_owned())
                }
                Some(flow) => Entered::Graph(self.part(Subject::Flow(flow))),
            },
            Callee::FlowNode(name) => match self.objects.nodes.get(name) {
                None => Entered::Missing(ObjectId::new("FlowNode", name)),
                Some(node) => Entered::Graph(self.part(Subject::Node(node))),
            },
        }
    }

    fn find_missing(&self, part: &mut Part<'a>) {
        for step in &part.graph.steps {
            for reference in &step.facts.references {
                let (kind, exists) = match (reference.kind, reference.name.as_deref()) {
                    (ReferenceKind::Directory, Some(name)) => {
                        ("Directory", self.objects.directories.contains_key(name))
                    }
                    (ReferenceKind::Directory, None) => {
                        ("Directory", self.objects.default_directory().is_some())
                    }
                    (ReferenceKind::SmtpConnection | ReferenceKind::HttpConnection, name) => {
                        ("Connection", name.is_some_and(|name| self.objects.connections.contains_key(name)))
                    }
                };
                if !exists {
                    let name = reference.name.as_deref().unwrap_or(DEFAULT);
                    part.missing.push((step.node_pointer(&reference.pointer), ObjectId::new(kind, name)));
                }
            }
        }
    }
}

/// Stands for the name of a default object that does not exist.
pub const DEFAULT: &str = "(default)";

fn new_part<'a>(
    name: String,
    graph: Graph<'a>,
    sources: Vec<Source>,
    missing: Vec<(String, ObjectId)>,
    refused_texts: Vec<(String, RefusedTexts)>,
    flow: Option<&'a Flow>,
) -> Part<'a> {
    let dataflow = Dataflow::default();
    Part { name, graph, dataflow, summary: Summary::default(), sources, missing, refused_texts, flow }
}

/// Adds texts; what is there already wins.
fn merge_texts(texts: &mut Texts, more: Texts) {
    for (key, locales) in more {
        let known = texts.entry(key).or_default();
        for (locale, text) in locales {
            known.entry(locale).or_insert(text);
        }
    }
}

/// A text that stands in the object itself has its place there, not at the step that shows it.
fn place_texts(graph: &mut Graph<'_>) {
    for used in graph.steps.iter_mut().flat_map(|step| &mut step.uses) {
        let own =
            used.text.as_ref().and_then(|(key, locale)| graph.own_texts.get(&format!("{key}/{locale}")));
        if let Some(own) = own {
            used.pointer.clone_from(own);
        }
    }
}

fn inputs(declared: &[idflow_api::flow::Input]) -> BTreeMap<String, Input> {
    let input = |one: &idflow_api::flow::Input| Input { required: one.required, value_type: one.type_ };
    declared.iter().map(|one| (one.name.clone(), input(one))).collect()
}

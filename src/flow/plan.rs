//! From settings to a plan: read once, compiled once.
//!
//! A kind's plan holds what everybody reads (the [`Facts`]) and what the engine runs (the [`Behaviour`]), made of the
//! same compiled expressions in one go. What a step proves can therefore not differ between compiler and engine.
//! A kind gets at an expression, a text or another object only through the [`Compiler`], which takes note of it: what a
//! step uses and nobody was told about does not exist.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use idflow_core::view::Text;
use idflow_sandbox::{Expression, Template, Type};

use crate::facts::{
    AttributeUse, Computed, Facts, Reference, ReferenceKind, Refused, SettingsError, Sink, TextUse, Use,
};
use crate::pinned::{Directories, DirectoryContent, Texts};

/// What a step does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What everybody reads about it.
    pub facts: Facts,
    /// What the engine runs.
    pub behaviour: Behaviour,
    /// The texts of the graph that it says.
    pub texts: Vec<AuthoredText>,
}

impl Plan {
    /// A plan of a step, before it is known what its settings name.
    pub fn new(facts: Facts, runs: impl Any + fmt::Debug + Send + Sync) -> Self {
        Self { facts, behaviour: Behaviour::new(runs), texts: Vec::new() }
    }
}

/// What the engine runs. Its type is between the kinds and the engine; here it is only handed on.
#[derive(Debug, Clone)]
pub struct Behaviour(Arc<dyn Runs>);

trait Runs: Any + fmt::Debug + Send + Sync {}

impl<T: Any + fmt::Debug + Send + Sync> Runs for T {}

impl Behaviour {
    /// Wraps what the engine knows how to run.
    pub fn new(runs: impl Any + fmt::Debug + Send + Sync) -> Self {
        Self(Arc::new(runs))
    }

    /// What was wrapped, if it is of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        let runs: &dyn Any = self.0.as_ref();
        runs.downcast_ref()
    }
}

/// What the settings of a step may name.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The graph's texts.
    pub texts: &'a Texts,
    /// The flow's locales, the default first.
    pub locales: &'a [String],
    /// The kind of each step of the graph, by the step's id.
    pub steps: &'a BTreeMap<&'a str, &'a str>,
    /// Where the step's own outcomes lead.
    pub wires: &'a BTreeMap<String, String>,
    /// Wiring that it inherits.
    pub shared: &'a BTreeMap<String, String>,
    /// The Directories, as far as they are known.
    pub directories: &'a Directories,
}

/// A text that the flow's author wrote, compiled in every locale it has.
#[derive(Debug, Clone)]
pub struct AuthoredText {
    /// Its key in the graph.
    pub key: String,
    /// The locale for visitors whose own it does not have.
    pub default_locale: String,
    /// The text in each locale.
    pub by_locale: Arc<[(String, Template)]>,
}

impl AuthoredText {
    /// The text for a reader of this locale: in that very one, else in the same language, else in the default one.
    pub fn best(&self, locale: &str) -> Option<&(String, Template)> {
        let language = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let written = |wanted: &dyn Fn(&str) -> bool| self.by_locale.iter().find(|(tag, _)| wanted(tag));
        written(&|tag| tag == locale)
            .or_else(|| written(&|tag| language(tag) == language(locale)))
            .or_else(|| written(&|tag| tag == self.default_locale))
    }

    /// The text for a reader of this locale, with what its expressions gave. Where one of them gave nothing in the
    /// reader's language, the text is in another one.
    pub fn fill(&self, locale: &str, values: &BTreeMap<String, String>) -> Option<Text> {
        let filled = |(tag, template): &(String, Template)| Some((tag.clone(), template.fill(values)?));
        let (tag, text) = self
            .best(locale)
            .and_then(filled)
            .or_else(|| self.by_locale.iter().find(|(tag, _)| *tag == self.default_locale).and_then(filled))
            .or_else(|| self.by_locale.iter().find_map(filled))?;
        Some(Text::Authored { default_locale: tag.clone(), by_locale: [(tag, text)].into() })
    }
}

/// Compiles what stands in the settings of one step and takes note of it.
///
/// What cannot be compiled or found is noted as well, and something that never gives a value takes its place: so
/// everything else about the step can still be told.
#[derive(Debug)]
pub struct Compiler<'a> {
    scope: Scope<'a>,
    uses: Vec<Use>,
    texts: Vec<TextUse>,
    compiled: BTreeMap<String, AuthoredText>,
    references: Vec<Reference>,
    problems: Vec<SettingsError>,
}

impl<'a> Compiler<'a> {
    /// A compiler for the settings of one step.
    pub(crate) const fn new(scope: Scope<'a>) -> Self {
        Self {
            scope,
            uses: Vec::new(),
            texts: Vec::new(),
            compiled: BTreeMap::new(),
            references: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The plan with all that was noted, and what in the settings leads nowhere.
    pub(crate) fn finish(self, mut plan: Plan) -> (Plan, Vec<SettingsError>) {
        plan.facts.uses = self.uses;
        plan.facts.texts = self.texts;
        plan.facts.references = self.references;
        plan.texts = self.compiled.into_values().collect();
        (plan, self.problems)
    }

    /// Compiles a CEL expression.
    pub fn expression(&mut self, pointer: impl Into<String>, source: &str, sink: Sink) -> Expression {
        self.expression_of(pointer, source, sink, &Type::Unknown)
    }

    /// Compiles a CEL expression that must give a value of this type.
    pub fn expression_of(
        &mut self,
        pointer: impl Into<String>,
        source: &str,
        sink: Sink,
        wanted: &Type,
    ) -> Expression {
        let (expression, used) = expression(pointer.into(), source, sink);
        self.note(used.giving(wanted));
        expression
    }

    /// Compiles a text template that stands in the settings.
    pub fn template(&mut self, pointer: impl Into<String>, source: &str, sink: Sink) -> Template {
        let (template, used) = template(pointer.into(), source, sink);
        self.note(used);
        template
    }

    /// Compiles one of the flow's texts, in every locale it has.
    pub fn text(&mut self, pointer: impl Into<String>, key: &str, sink: Sink) -> AuthoredText {
        let pointer = pointer.into();
        self.texts.push(TextUse { pointer: pointer.clone(), key: key.to_owned(), sink });
        let texts = self.scope.texts;
        let Some(sources) = texts.get(key) else {
            self.problem(pointer, format!("the flow has no text {key}"), "add the text");
            return AuthoredText {
                key: key.to_owned(),
                default_locale: String::new(),
                by_locale: Arc::default(),
            };
        };
        let mut by_locale = Vec::with_capacity(sources.len());
        for (locale, source) in sources {
            let (compiled, used) = template(pointer.clone(), source, sink);
            self.note(Use { text: Some((key.to_owned(), locale.clone())), ..used });
            by_locale.push((locale.clone(), compiled));
        }
        let written = |locale: &&String| sources.contains_key(*locale);
        let default_locale = self.scope.locales.iter().find(written).or_else(|| sources.keys().next());
        let default_locale = default_locale.cloned().unwrap_or_default();
        let text = AuthoredText { key: key.to_owned(), default_locale, by_locale: by_locale.into() };
        self.compiled.insert(key.to_owned(), text.clone());
        text
    }

    /// Finds a `Directory` with what the revision pins of it; without a name, the default one.
    pub fn directory(
        &mut self,
        name: Option<&str>,
        attributes: Vec<AttributeUse>,
    ) -> (String, DirectoryContent) {
        let pointer = "/directory".to_owned();
        let kind = ReferenceKind::Directory;
        let reference =
            Reference { pointer: pointer.clone(), kind, name: name.map(str::to_owned), attributes };
        self.references.push(reference);
        let directories = self.scope.directories;
        let found = name.or(directories.default.as_deref());
        let found = found.and_then(|name| directories.by_name.get_key_value(name));
        if let Some((name, content)) = found {
            return (name.clone(), content.clone());
        }
        let wanted = name.unwrap_or("the default Directory");
        self.problem(pointer, format!("the revision does not pin {wanted}"), "name a Directory that exists");
        (String::new(), DirectoryContent::default())
    }

    /// Takes note of a `Connection` that is named at a pointer, and gives back its name.
    pub fn connection(&mut self, pointer: &str, kind: ReferenceKind, name: String) -> String {
        let pointer = pointer.to_owned();
        let reference = Reference { pointer, kind, name: Some(name.clone()), attributes: Vec::new() };
        self.references.push(reference);
        name
    }

    /// The kind of the step to which an outcome of this one leads; empty where it leads nowhere.
    pub fn kind_behind(&mut self, pointer: impl Into<String>, outcome: &str) -> &'a str {
        let Scope { steps, wires, shared, .. } = self.scope;
        let target = wires.get(outcome).or_else(|| shared.get(outcome));
        if let Some(kind) = target.and_then(|step| steps.get(step.as_str())) {
            return kind;
        }
        self.problem(
            pointer.into(),
            format!("the outcome {outcome} leads to no step"),
            "wire it in outcomes",
        );
        ""
    }

    fn note(&mut self, used: Use) {
        if let Some(Refused { message, help, .. }) = &used.refused {
            self.problem(used.pointer.clone(), message.clone(), help);
        }
        self.uses.push(used);
    }

    fn problem(&mut self, pointer: String, message: String, help: &str) {
        self.problems.push(SettingsError { pointer, message, help: help.to_owned() });
    }
}

/// Where the value of an expression stands before: `form.email`. What is computed stands nowhere, and is known by its
/// source.
pub fn place(expression: &Expression) -> String {
    origin(expression).unwrap_or_else(|| expression.source().trim().to_owned())
}

/// The one place whose value an expression gives unchanged, if it gives no other.
pub fn origin(expression: &Expression) -> Option<String> {
    match expression.origins() {
        Some([only]) => Some(only.join(".")),
        _ => None,
    }
}

/// An expression, and what it reads.
pub(crate) fn expression(pointer: String, source: &str, sink: Sink) -> (Expression, Use) {
    let (expression, refused) = match Expression::compile(source) {
        Ok(expression) => (expression, None),
        Err(error) => {
            let refused = Refused { is_template: false, message: error.message, help: error.help };
            (Expression::refused(source), Some(refused))
        }
    };
    let reads = expression.references().to_vec();
    let computed = vec![Computed { expression: expression.clone(), wanted: Type::Unknown }];
    (expression, Use { pointer, sink, reads, computed, refused, text: None })
}

/// A template, and what it reads.
fn template(pointer: String, source: &str, sink: Sink) -> (Template, Use) {
    let (template, refused) = match Template::compile(source) {
        Ok(template) => (template, None),
        Err(error) => {
            let refused = Refused { is_template: true, message: error.message, help: error.help };
            (Template::refused(), Some(refused))
        }
    };
    let reads = template.references();
    let shown = template.expressions().map(|(_, expression)| expression.clone());
    let computed = shown.map(|expression| Computed { expression, wanted: Type::Unknown }).collect();
    (template, Use { pointer, sink, reads, computed, refused, text: None })
}

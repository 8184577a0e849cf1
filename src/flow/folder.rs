//! A folder of manifests: everything in it read, checked and compiled, for `idflow dev` and `idflow lint`.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Compiled, Revision, check_node, compile_flow};
use crate::diagnostic::{Finding, ObjectId, Place, Severity};
use crate::kinds::Kinds;
use crate::kustomize::manifests;
use crate::lint::{check_objects, foreign_namespace};
use crate::objects::Objects;
use crate::schema::Schemas;
use crate::source::Manifest;

/// A folder of manifests.
#[derive(Debug, Default)]
pub struct Folder {
    /// The files, in the order they were given.
    pub manifests: Vec<Manifest>,
    /// Their objects. One that cannot be used is left out.
    pub objects: Objects,
    /// Every flow that could be read, compiled.
    pub flows: BTreeMap<String, Compiled>,
    /// What is wrong with texts and objects, findings about the flows included.
    pub findings: Vec<Finding>,
    /// Whether some text could not be read: what no file seems to hold may stand there.
    pub is_incomplete: bool,
}

impl Folder {
    /// Reads, checks and compiles files: name and text of each.
    pub fn read(files: impl IntoIterator<Item = (String, String)>, kinds: Kinds) -> Self {
        Self::of(manifests(files), kinds, &Schemas::new(kinds))
    }

    /// Checks and compiles what was read.
    pub(crate) fn of(manifests: Vec<Manifest>, kinds: Kinds, schemas: &Schemas) -> Self {
        let mut folder = Self { manifests, ..Self::default() };
        folder.is_incomplete = folder.manifests.iter().flat_map(|manifest| &manifest.findings).any(is_error);
        let refused = folder.load(schemas);
        folder.compile(kinds, &refused);
        folder
    }

    /// The objects that a cluster would not accept, or that could not work in it.
    pub fn refused(&self) -> BTreeSet<ObjectId> {
        let errors = self.findings.iter().filter(|finding| is_error(finding));
        errors.filter_map(|finding| finding.place.object().cloned()).collect()
    }

    /// Whether some finding is an error.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(is_error)
    }

    /// Reads the objects; returns those whose schema is already violated, so that nothing is said twice.
    fn load(&mut self, schemas: &Schemas) -> BTreeSet<ObjectId> {
        let mut refused = BTreeSet::new();
        for manifest in &self.manifests {
            self.findings.extend(manifest.findings.iter().cloned());
            for object in &manifest.objects {
                let violations = schemas.check(object);
                let is_refused = violations.iter().any(is_error);
                self.findings.extend(violations);
                let inserted = self.objects.insert(object);
                if is_refused || !object.faulty.is_empty() {
                    refused.insert(object.id());
                }
                let is_new = |finding: &Finding| !is_refused || finding.code == "duplicate-object";
                let place = || Place::File {
                    file: manifest.file.clone(),
                    span: object.span("/metadata/name", false),
                };
                let both = |finding: Finding| match finding.code {
                    "duplicate-object" => finding.with(place(), "the other one"),
                    _ => finding,
                };
                let refusal = inserted.err().map(|finding| *finding).filter(is_new);
                self.findings.extend(refusal.map(both));
            }
        }
        refused
    }

    fn compile(&mut self, kinds: Kinds, refused: &BTreeSet<ObjectId>) {
        let mut found = Vec::new();
        for (name, flow) in &self.objects.flows {
            let mut compiled = compile_flow(flow, &self.objects, kinds);
            compiled.revision.take_if(|revision| is_made_of(revision, refused));
            found.extend(compiled.findings.iter().cloned());
            self.flows.insert(name.clone(), compiled);
        }
        for node in self.objects.nodes.values() {
            found.extend(check_node(node, &self.objects, kinds).0);
        }
        found.extend(check_objects(&self.objects));
        found.extend(foreign_namespace::find(&self.manifests));
        found.retain(|finding| !(finding.is_absence && self.is_incomplete));
        self.add_without_repeating(found);
    }

    /// Whether the text itself is wrong within the settings that a kind refused.
    fn is_misread(&self, refused: &Finding) -> bool {
        let mut objects = self.manifests.iter().flat_map(|manifest| &manifest.objects);
        let object = objects.find(|object| Some(&object.id()) == refused.place.object());
        object.is_some_and(|object| {
            object.faulty.iter().any(|pointer| pointer.starts_with(refused.place.pointer()))
        })
    }

    /// Where the schema and a rule say something about one place, the one that knows more is kept: a rule, except
    /// for settings, where the schema knows the very field.
    fn add_without_repeating(&mut self, found: Vec<Finding>) {
        let (settings, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|finding| finding.code == "invalid-settings");
        // What is only waited for must not hide what is refused.
        let says_better = |finding: &Finding, known: &Finding| {
            finding.place == known.place && finding.severity <= known.severity
        };
        self.findings.retain(|known| !others.iter().any(|finding| says_better(finding, known)));
        let is_new = |finding: &Finding| {
            !self.is_misread(finding) && !self.findings.iter().any(|known| is_inside(known, finding))
        };
        let settings: Vec<_> = settings.into_iter().filter(is_new).collect();
        self.findings.extend(settings);
        let (callees, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|finding| finding.code == "broken-callee");
        self.findings.extend(others);
        // What is wrong with a callee mostly stands at the callee, which is judged here too.
        let refused = self.refused();
        let is_said = |finding: &Finding| {
            finding
                .related
                .iter()
                .filter_map(|related| related.place.object())
                .any(|one| refused.contains(one))
        };
        self.findings.extend(callees.into_iter().filter(|finding| !is_said(finding)));
    }
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

/// Whether one of these objects went into a revision.
fn is_made_of(revision: &Revision, objects: &BTreeSet<ObjectId>) -> bool {
    revision.sources.iter().any(|source| objects.contains(&ObjectId::new(&source.kind, &source.name)))
}

/// Whether the schema's finding is about something within the settings that a kind refused.
fn is_inside(known: &Finding, refused: &Finding) -> bool {
    known.severity == Severity::Error
        && known.place.object().is_some()
        && known.place.object() == refused.place.object()
        && known.place.pointer().starts_with(refused.place.pointer())
}

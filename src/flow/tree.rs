//! A tree of files as GitOps keeps it: several environments beside each other, and files that are no manifests.
//!
//! What kustomize or Helm would render is not rebuilt: a file that is a patch, a generator's input or a template is
//! skipped with a note. The objects of one namespace are an environment; an object without one belongs to each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use idflow_api::ResourceKind;

use crate::diagnostic::{Finding, Place, Rule, Severity};
use crate::folder::Folder;
use crate::formats::text::{Fixed, fix};
use crate::kinds::Kinds;
use crate::kustomize::manifests;
use crate::lint::{foreign_namespace, rival_claims};
use crate::objects::Objects;
use crate::schema::Schemas;
use crate::shown::{Shown, shown};
use crate::source::{self, Manifest, Object};

pub(crate) static TREE_TOO_LARGE: Rule = Rule {
    code: "tree-too-large",
    severity: Severity::Error,
    why: "Whoever can send a few files to a pipeline must not be able to stop it",
};

/// The most bytes of text that are judged anew in each environment, all together.
const MAX_SHARED: usize = 64 * 1024 * 1024;

/// The most findings that are told of one environment.
const MAX_FINDINGS: usize = 1000;

/// Files, judged by environment.
#[derive(Debug, Default)]
pub struct Tree {
    /// The files.
    pub manifests: Vec<Manifest>,
    /// The environments by namespace; without a name where nothing names one.
    pub environments: BTreeMap<Option<String>, Folder>,
    /// What is wrong or doubtful in them, each once.
    pub findings: Vec<Shown>,
}

impl Tree {
    /// Reads and judges files. `sources` are what they were rendered from: findings are shown there.
    pub fn read(
        files: impl IntoIterator<Item = (String, String)>,
        sources: impl IntoIterator<Item = (String, String)>,
        kinds: Kinds,
    ) -> Self {
        let manifests = manifests(files);
        let sources: Vec<Manifest> =
            sources.into_iter().map(|(file, text)| source::read(&file, &text)).collect();
        let schemas = Schemas::new(kinds);
        let mut tree = Self::default();
        let (namespaces, left_out) = within_bounds(&manifests, namespaces(&manifests));
        for namespace in namespaces {
            let own = manifests.iter().map(|manifest| part(manifest, namespace.as_deref())).collect();
            tree.environments.insert(namespace, Folder::of(own, kinds, &schemas));
        }
        tree.gather(&manifests, &sources);
        tree.findings.extend(shown(&left_out, &manifests, &sources));
        tree.manifests = manifests.into_iter().chain(sources).collect();
        tree
    }

    /// Every finding once, whichever environments have it.
    fn gather(&mut self, manifests: &[Manifest], sources: &[Manifest]) {
        let mut found: Vec<(Shown, BTreeSet<&str>)> = Vec::new();
        let mut known: HashMap<Shown, usize> = HashMap::new();
        for (namespace, folder) in &self.environments {
            for finding in shown(&bounded(&folder.findings), &folder.manifests, sources) {
                let name = namespace.as_deref().unwrap_or_default();
                let index = *known.entry(finding.clone()).or_insert(found.len());
                if index == found.len() {
                    found.push((finding, BTreeSet::new()));
                }
                if let Some((_, names)) = found.get_mut(index) {
                    names.insert(name);
                }
            }
        }
        let all = self.environments.len();
        self.findings = found.into_iter().map(|(finding, names)| in_some(finding, &names, all)).collect();
        if all > 1 {
            for finding in shown(&across(manifests), manifests, sources) {
                if !self.findings.contains(&finding) {
                    self.findings.push(finding);
                }
            }
        }
    }
}

/// The namespaces that are judged, and what is told of the others: an object without a namespace is judged in each, so
/// that few bytes could make a lot of work.
fn within_bounds(
    manifests: &[Manifest],
    namespaces: BTreeSet<Option<String>>,
) -> (BTreeSet<Option<String>>, Vec<Finding>) {
    let is_shared = |manifest: &&Manifest| manifest.objects.iter().any(|object| about(object).is_none());
    let shared: Vec<&Manifest> = manifests.iter().filter(is_shared).collect();
    let bytes: usize = shared.iter().map(|manifest| manifest.text.len()).sum();
    let most = (MAX_SHARED / bytes.max(1)).max(1);
    let Some(first) = shared.first().filter(|_| namespaces.len() > most) else {
        return (namespaces, Vec::new());
    };
    let place = Place::File { file: first.file.clone(), span: 0..0 };
    let title = format!(
        "{} namespaces share the objects of {} files that name none: only {most} are judged",
        namespaces.len(),
        shared.len()
    );
    let help = "lint a few environments at a time, or write the namespaces into the objects";
    (namespaces.into_iter().take(most).collect(), vec![TREE_TOO_LARGE.at(place, title, help)])
}

/// As many findings as anybody reads, and how many are left out.
fn bounded(findings: &[Finding]) -> Vec<Finding> {
    let (told, left_out) = findings.split_at(findings.len().min(MAX_FINDINGS));
    let more = left_out.first().map(|first| {
        let title = format!("{} more findings are left out", left_out.len());
        TREE_TOO_LARGE.at(first.place.clone(), title, "mend the others first")
    });
    told.iter().cloned().chain(more).collect()
}

/// Files that are read and not judged yet, of which one tenant's are wanted.
pub struct Files(Vec<Manifest>);

impl Files {
    /// Reads files.
    pub fn read(files: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(manifests(files))
    }

    /// What becomes of each file when its old words are rewritten, by name.
    pub fn fixed(&self) -> impl Iterator<Item = (String, Fixed)> + '_ {
        self.0.iter().map(|manifest| {
            let fixed = match fix(&manifest.file, &manifest.text) {
                // What is put together by other tools means something only there.
                Fixed::Rewritten { done, .. } if manifest.objects.is_empty() => {
                    let line = done.first().map_or(1, |(line, _)| *line);
                    Fixed::Refused(line, "this file is no manifest by itself".to_owned())
                }
                fixed => fixed,
            };
            (manifest.file.clone(), fixed)
        })
    }

    /// The Tenants by name, each with the namespace that it gives.
    pub fn tenants(&self) -> BTreeMap<String, String> {
        let tenants = objects(&self.0).filter(|object| is_tenant(object));
        tenants.filter_map(|tenant| Some((tenant.name.clone(), about(tenant)?.to_owned()))).collect()
    }

    /// Judges everything but what stands in the namespace of another Tenant; how many objects those are, by namespace.
    pub fn judge(self, namespace: Option<&str>, kinds: Kinds) -> (Folder, BTreeMap<String, usize>) {
        let given: BTreeSet<String> = self.tenants().into_values().collect();
        let others = |object: &Object| {
            let about = about(object).filter(|name| namespace.is_some_and(|own| own != *name));
            about.filter(|name| given.contains(*name)).map(str::to_owned)
        };
        let mut skipped = BTreeMap::new();
        for name in objects(&self.0).filter_map(others) {
            *skipped.entry(name).or_default() += 1;
        }
        let own = self.0.iter().map(|manifest| with(manifest, |object| others(object).is_none())).collect();
        (Folder::of(own, kinds, &Schemas::new(kinds)), skipped)
    }
}

fn objects(manifests: &[Manifest]) -> impl Iterator<Item = &Object> {
    manifests.iter().flat_map(|manifest| &manifest.objects)
}

fn is_tenant(object: &Object) -> bool {
    object.kind == ResourceKind::Tenant.as_str()
}

/// The finding of an object that belongs to several environments, when only some of them have it.
fn in_some(mut finding: Shown, names: &BTreeSet<&str>, all: usize) -> Shown {
    let is_shared = finding.spot.object.is_some() && finding.spot.namespace.is_none();
    if is_shared && names.len() < all {
        let names: Vec<&str> = names.iter().copied().collect();
        finding.title = format!("in {}: {}", names.join(", "), finding.title);
    }
    finding
}

/// What concerns several environments: a namespace that is no Tenant's, and Tenants that claim one thing.
fn across(manifests: &[Manifest]) -> Vec<Finding> {
    let mut tenants = Objects::default();
    for tenant in objects(manifests).filter(|object| is_tenant(object)) {
        // One of the same name is a duplicate of its environment, or another cluster's.
        let _ = tenants.insert(tenant);
    }
    let mut found = foreign_namespace::find(manifests);
    found.extend(rival_claims(&tenants));
    found
}

/// The namespace an object is about: a Tenant is part of the one it gives.
fn about(object: &Object) -> Option<&str> {
    if is_tenant(object) {
        return object.value.pointer("/spec/namespace").and_then(idflow_core::Value::as_str);
    }
    object.namespace.as_deref()
}

fn namespaces(manifests: &[Manifest]) -> BTreeSet<Option<String>> {
    let named = objects(manifests).filter_map(about);
    let named: BTreeSet<Option<String>> = named.map(|name| Some(name.to_owned())).collect();
    if named.is_empty() { BTreeSet::from([None]) } else { named }
}

/// What of a file belongs to an environment.
fn part(manifest: &Manifest, namespace: Option<&str>) -> Manifest {
    with(manifest, |object| about(object).is_none_or(|name| Some(name) == namespace))
}

fn with(manifest: &Manifest, is_own: impl Fn(&Object) -> bool) -> Manifest {
    let own = manifest.objects.iter().filter(|object| is_own(object)).cloned();
    Manifest { objects: own.collect(), ..manifest.clone() }
}

//! Which files of a tree are no manifests: what a `kustomization.yaml` names as patches and inputs, and what is a Helm
//! chart's.

use std::collections::{BTreeMap, BTreeSet};

use idflow_core::Value;

use crate::diagnostic::{Place, Severity};
use crate::source::{self, Manifest, SKIPPED};
use crate::yaml;

const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Lists whose entries are paths, or have one under this name.
const INPUTS: [(&str, &str, &str); 12] = [
    ("patches", "path", "a patch"),
    ("patchesStrategicMerge", "", "a patch"),
    ("patchesJson6902", "path", "a patch"),
    ("replacements", "path", "a replacement"),
    ("configMapGenerator", "files", "an input of a generator"),
    ("configMapGenerator", "envs", "an input of a generator"),
    ("secretGenerator", "files", "an input of a generator"),
    ("secretGenerator", "envs", "an input of a generator"),
    ("generators", "", "a generator"),
    ("transformers", "", "a transformer"),
    ("configurations", "", "a configuration"),
    ("helmCharts", "valuesFile", "values of a chart"),
];

/// The files, less what is no manifest.
pub(crate) fn manifests(files: impl IntoIterator<Item = (String, String)>) -> Vec<Manifest> {
    let files: Vec<(String, String)> = files.into_iter().collect();
    let trees = Trees::of(&files);
    let read = files.into_iter().map(|(file, text)| match trees.skips(&file) {
        None => {
            let mut manifest = source::read(&file, &text);
            if let Some(namespace) = trees.namespace(&file) {
                manifest.objects.iter_mut().for_each(|object| object.move_to(namespace));
            }
            manifest
        }
        Some(Skipped { why, is_own }) => {
            let severity = if is_own { Severity::Info } else { Severity::Warning };
            let place = Place::File { file: file.clone(), span: 0..0 };
            let help = "render it, and lint what comes out: `kustomize build . | idflow lint -`, or `helm template . | idflow lint -`";
            let note = SKIPPED.at(place, format!("this file is skipped: {why}"), help);
            Manifest { file, text: text.into(), findings: vec![note.graded(severity)], ..Manifest::default() }
        }
    });
    read.collect()
}

/// Why a file is no manifest.
#[derive(Debug, Clone, Default)]
struct Skipped {
    why: String,
    /// Whether what lies beside or above it says so. Another folder's word is taken, and told louder: kustomize does not
    /// read such a file unless it is asked to, and whoever writes there could hide a manifest here.
    is_own: bool,
}

impl Skipped {
    fn own(why: &str) -> Self {
        Self { why: why.to_owned(), is_own: true }
    }

    /// Takes in another reason. Its own folder's counts more.
    fn add(&mut self, why: String, is_own: bool) {
        if self.why.is_empty() || is_own && !self.is_own {
            *self = Self { why, is_own };
        }
    }
}

/// The length of the hash that kustomize puts behind the name of what it generates.
const HASH: usize = 10;

/// What to do about a name that kustomize changed on the way: it knows the fields of Kubernetes' own kinds that name a
/// `ConfigMap` or a Secret, and none of ours.
pub(crate) fn renamed<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let is_hash = |text: &str| {
        text.len() == HASH && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let generated = names.into_iter().find(|known| {
        known.strip_prefix(name).and_then(|rest| rest.strip_prefix('-')).is_some_and(is_hash)
    })?;
    Some(format!(
        "kustomize made it {generated}: write generatorOptions: {{ disableNameSuffixHash: true }} into the kustomization"
    ))
}

/// What is known of the files of a tree.
#[derive(Debug, Default)]
struct Trees {
    skipped: BTreeMap<String, Skipped>,
    /// What is applied as it stands, whatever else it is named as.
    resources: BTreeSet<String>,
    namespaces: BTreeMap<String, String>,
    charts: Vec<String>,
}

impl Trees {
    fn of(files: &[(String, String)]) -> Self {
        let mut trees = Self::default();
        for (file, text) in files {
            let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
            if NAMES.contains(&name) {
                trees.skipped.insert(file.clone(), Skipped::own("it says how others are put together"));
                for document in yaml::documents(file, text).0 {
                    trees.kustomization(file, folder, &document.value);
                }
            } else if name == "Chart.yaml" {
                trees.charts.push(if folder.is_empty() { String::new() } else { format!("{folder}/") });
            }
        }
        trees
    }

    /// Why a file is no manifest, if it is none.
    fn skips(&self, file: &str) -> Option<Skipped> {
        if let Some(skipped) = self.skipped.get(file).filter(|_| !self.resources.contains(file)) {
            return Some(skipped.clone());
        }
        let of_chart = self.charts.iter().filter_map(|chart| file.strip_prefix(chart.as_str()));
        let is_chart = |inner: &str| {
            inner.starts_with("templates/")
                || inner == "Chart.yaml"
                || inner.starts_with("values") && !inner.contains('/')
        };
        of_chart.into_iter().any(is_chart).then(|| Skipped::own("it is part of a Helm chart"))
    }

    /// The namespace that a kustomization puts a file's objects in.
    fn namespace(&self, file: &str) -> Option<&str> {
        self.namespaces.get(file).map(String::as_str)
    }

    fn kustomization(&mut self, file: &str, folder: &str, value: &Value) {
        for (list, member, what) in INPUTS {
            let entries = value.get(list).and_then(Value::as_array).into_iter().flatten();
            for path in entries.flat_map(|entry| paths(entry, member)).map(|path| joined(folder, path)) {
                let is_own = is_below(folder, &path);
                let why = format!("{file} names it as {what}");
                self.skipped.entry(path).or_default().add(why, is_own);
            }
        }
        let namespace = value.get("namespace").and_then(Value::as_str);
        let resources = value.get("resources").and_then(Value::as_array).into_iter().flatten();
        for resource in resources.filter_map(Value::as_str).map(|resource| joined(folder, resource)) {
            if let Some(namespace) = namespace {
                self.namespaces.insert(resource.clone(), namespace.to_owned());
            }
            self.resources.insert(resource);
        }
    }
}

/// The paths of an entry: itself, its member, or the items of its member; `name=path` names a key first.
fn paths<'a>(entry: &'a Value, member: &str) -> Vec<&'a str> {
    let found = if member.is_empty() { Some(entry) } else { entry.get(member) };
    let texts = match found {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => vec![text.as_str()],
        _ => Vec::new(),
    };
    // A patch may stand in the place of its path.
    let is_path = |text: &&str| !text.contains('\n');
    texts
        .into_iter()
        .filter(is_path)
        .map(|text| text.split_once('=').map_or(text, |(_, path)| path))
        .collect()
}

fn is_below(folder: &str, path: &str) -> bool {
    folder.is_empty() && !path.starts_with("..")
        || path.strip_prefix(folder).is_some_and(|inner| inner.starts_with('/'))
}

/// A path seen from a folder, without `.` and `..`.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|_| !folder.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    parts.join("/")
}

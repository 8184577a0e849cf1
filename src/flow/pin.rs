//! From what was resolved to the content that a revision pins.

use std::collections::BTreeSet;

use idflow_core::Value;

use crate::content::{Content, FIRST_FORMAT, FORMAT, GraphContent, StepContent};
use crate::dataflow::Written;
use crate::graph::{NamedUse, Step};
use crate::resolve::{Part, Resolved};

/// Settings without members that were written as null: the API server does not keep them either.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The content of a resolved flow.
pub(crate) fn content(resolved: &Resolved<'_>) -> Option<Content> {
    let (subject, callees) = resolved.parts.split_last()?;
    let flow = subject.flow?;
    let mut callees: Vec<&Part<'_>> = callees.iter().collect();
    callees.sort_by(|a, b| a.name.cmp(&b.name));
    let is_new = resolved.parts.iter().any(says_something_new);
    let format = if is_new { FORMAT } else { FIRST_FORMAT };
    let default_directory = resolved.directory(None).filter(|_| resolved.uses_default_directory());
    Some(Content {
        format,
        flow: flow.metadata.name.clone().unwrap_or_default(),
        flow_type: flow.spec.type_.as_str().to_owned(),
        lifetime: flow.spec.lifetime,
        locales: flow.spec.locales.clone(),
        directories: resolved.pinned_directories(),
        default_directory: default_directory.and_then(|directory| directory.metadata.name.clone()),
        graphs: std::iter::once(subject).chain(callees).map(|part| graph_content(part, format)).collect(),
    })
}

fn graph_content(part: &Part<'_>, format: u32) -> GraphContent {
    let graph = &part.graph;
    let used: BTreeSet<&str> =
        graph.steps.iter().flat_map(|step| &step.facts.texts).map(|text| text.key.as_str()).collect();
    let texts = graph.texts.iter().filter(|(key, _)| used.contains(key.as_str()));
    let mut steps: Vec<StepContent> =
        graph.steps.iter().filter_map(|step| step_content(step, format)).collect();
    steps.sort_by(|a, b| a.id.cmp(&b.id));
    GraphContent {
        name: part.name.clone(),
        start: graph.start.to_owned(),
        outcomes: graph.shared.clone(),
        steps,
        texts: texts.map(|(key, texts)| (key.clone(), texts.clone())).collect(),
        outputs: graph.outputs.iter().map(|output| (output.name.clone(), output.source.clone())).collect(),
    }
}

/// The step in the words of a format: of the first as it was written, of a later one in today's.
fn step_content(step: &Step<'_>, format: u32) -> Option<StepContent> {
    let node = step.node.as_ref()?;
    let (settings, outcomes) = match format {
        FIRST_FORMAT => (node.authored, step.authored_wires),
        _ => (node.settings.as_ref(), step.wires.as_ref()),
    };
    Some(StepContent {
        id: step.id.to_owned(),
        kind: node.name.to_owned(),
        settings: without_nulls(settings),
        outcomes: outcomes.clone(),
    })
}

/// Whether executors that know the first format only would not understand it: by a word, or by an output of a node that
/// some ways out do not write.
fn says_something_new(part: &Part<'_>) -> bool {
    let exits = || part.graph.exits().filter(|(index, _)| part.dataflow.entry(*index).is_some());
    let always = |output: &NamedUse| {
        exits().all(|(index, _)| part.dataflow.computable(index, &output.used) == Written::Always)
    };
    part.graph.steps.iter().any(|step| step.is_new) || !part.graph.outputs.iter().all(always)
}

//! Findings as one JSON object, for editors and pipelines.

use idflow_flow::Manifest;
use idflow_flow::diagnostic::{Finding, Location, Place, path};
use serde::Serialize;

use super::{Count, word};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    summary: Count,
    files: usize,
    findings: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    code: &'a str,
    severity: &'static str,
    title: &'a str,
    why: &'a str,
    help: &'a str,
    place: Position<'a>,
    related: Vec<Related<'a>>,
}

#[derive(Serialize)]
struct Related<'a> {
    note: &'a str,
    place: Position<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Position<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pointer: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(flatten)]
    location: Option<Location>,
}

/// Findings as JSON: code, severity, what, why and what to do, with object, JSON pointer, file, line and column.
pub(crate) fn findings(findings: &[Finding], manifests: &[Manifest]) -> serde_json::Result<String> {
    let entries = findings.iter().map(|finding| Entry {
        code: finding.code,
        severity: word(finding.severity),
        title: &finding.title,
        why: finding.why,
        help: &finding.help,
        place: position(&finding.place, manifests),
        related: finding
            .related
            .iter()
            .map(|related| Related { note: &related.note, place: position(&related.place, manifests) })
            .collect(),
    });
    let report = Report { summary: Count::of(findings), files: manifests.len(), findings: entries.collect() };
    serde_json::to_string_pretty(&report)
}

fn position<'a>(place: &'a Place, manifests: &[Manifest]) -> Position<'a> {
    Position {
        object: place.object().map(ToString::to_string),
        pointer: place.pointer(),
        path: place_path(place, manifests),
        location: place.locate(manifests),
    }
}

/// The path inside the object, steps by id; empty outside of objects.
pub(super) fn place_path(place: &Place, manifests: &[Manifest]) -> String {
    let Some(id) = place.object() else { return String::new() };
    let mut objects = manifests.iter().flat_map(|manifest| &manifest.objects);
    objects
        .find(|object| object.id() == *id)
        .map(|object| path(&object.value, place.pointer()))
        .unwrap_or_default()
}

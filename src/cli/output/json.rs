//! Findings as one JSON object, for editors and pipelines.

use idflow_flow::diagnostic::Location;
use idflow_flow::shown::{Shown, Spot};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pointer: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(flatten)]
    location: Option<&'a Location>,
}

/// Findings as JSON: code, severity, what, why and what to do, with object, JSON pointer, file, line and column.
pub(crate) fn findings(findings: &[Shown], files: usize) -> serde_json::Result<String> {
    let entries = findings.iter().map(|finding| Entry {
        code: finding.code,
        severity: word(finding.severity),
        title: &finding.title,
        why: finding.why,
        help: &finding.help,
        place: position(&finding.spot),
        related: finding.related.iter().map(|(note, spot)| Related { note, place: position(spot) }).collect(),
    });
    let report = Report { summary: Count::of(findings), files, findings: entries.collect() };
    serde_json::to_string_pretty(&report)
}

fn position(spot: &Spot) -> Position<'_> {
    Position {
        object: spot.object.as_ref().map(ToString::to_string),
        namespace: spot.namespace.as_deref(),
        pointer: &spot.pointer,
        path: &spot.path,
        location: spot.location.as_ref(),
    }
}

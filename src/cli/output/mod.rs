//! Writers of findings: for people and for programs.

pub(crate) mod file;
pub(crate) mod json;
pub(crate) mod text;

use idflow_flow::diagnostic::Severity;
use idflow_flow::shown::Shown;
use serde::Serialize;

/// How many findings of each severity there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    /// Findings that keep an object from being used.
    pub(crate) errors: usize,
    /// Findings about what is probably not as meant.
    pub(crate) warnings: usize,
    /// Findings worth knowing.
    pub(crate) notes: usize,
}

impl Count {
    /// Counts findings.
    pub(crate) fn of(findings: &[Shown]) -> Self {
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        Self {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Info),
        }
    }
}

/// What a finding of this severity is called.
pub(crate) const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

//! A real helm, built from its pinned Go module, and our charts.

use std::path::PathBuf;
use std::process::Command;

use crate::{repository, skip};

/// The namespace of the operator in tests.
pub const NAMESPACE: &str = "idflow-system";

/// The program.
pub struct Helm(PathBuf);

impl Helm {
    /// Finds or builds it; nothing, reported as a skipped `test`, where it cannot be had.
    pub fn found(test: &str) -> Option<Self> {
        let folder = repository::prepared_folder("tests/helm/build.sh");
        folder.inspect_err(|why| skip::skip(test, why)).ok().map(|folder| Self(folder.join("helm")))
    }

    /// What a call prints; the error is what it complains about.
    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.0).args(arguments).output().map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// The manifests that one of our charts comes to.
    pub fn render(&self, chart: &str, more: &[&str]) -> Result<String, String> {
        let folder = repository::path("charts").join(chart).display().to_string();
        self.run(&[&["template", chart, &folder, "--namespace", NAMESPACE], more].concat())
    }
}

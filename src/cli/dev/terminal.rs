//! What `idflow dev` prints: one readable line per step, findings with the source underlined, addresses.

use std::net::SocketAddr;
use std::path::Path;

use idflow_core::audit::AuditEvent;
use idflow_executor::observer::Observer;
use idflow_executor::source::folder::Reading;
use idflow_flow::diagnostic::Severity;

use crate::output;

/// The terminal.
#[derive(Debug, Clone, Default)]
pub struct Terminal;

impl Terminal {
    /// Says what a reading of the folder came to.
    pub fn reading(&self, reading: &Reading) {
        let errors = reading.findings.iter().any(|finding| finding.severity == Severity::Error);
        if errors || !reading.missing.is_empty() {
            eprint!("{}", output::text::findings(&reading.findings, &reading.manifests));
        }
        for (flow, missing) in &reading.missing {
            eprintln!("waiting   flow {flow}: {missing} does not exist yet");
        }
        for (flow, digest) in &reading.minted {
            say!("revision  {flow} runs {} for new journeys", digest.short(8));
        }
        for flow in &reading.held_back {
            eprintln!("kept      {flow}: this edit cannot run; the last good revision goes on serving");
        }
    }

    /// Says where everything is.
    pub fn addresses(&self, issuer: &str, demo: SocketAddr, folder: &Path) {
        say!("");
        say!("  demo    http://{demo}/");
        say!("  mail    {issuer}/dev/mail");
        say!("  issuer  {issuer}");
        say!("");
        say!("Edit {} and save: new journeys run the edit, open ones finish as they began.", folder.display());
    }
}

impl Observer for Terminal {
    fn audit(&self, event: &AuditEvent) {
        let time = event.at.seconds().rem_euclid(86_400);
        let (hours, minutes, seconds) = (time / 3600, time / 60 % 60, time % 60);
        let journey = event.journey.map(|id| id.to_string().chars().take(6).collect::<String>());
        let parts = [
            event.flow.clone(),
            journey,
            event.step.clone(),
            Some(event.name.clone()),
            event.outcome.clone(),
            event.client.clone(),
        ];
        let line: Vec<String> = parts.into_iter().flatten().collect();
        say!("{hours:02}:{minutes:02}:{seconds:02}  {}", line.join("  "));
    }
}

//! What `idflow dev` prints: one readable line per step, findings with the source underlined, addresses.

use std::path::Path;

use idflow_core::audit::AuditEvent;
use idflow_core::dead_end::STOPPED;
use idflow_core::time::Timestamp;
use idflow_executor::observer::Observer;
use idflow_executor::source::folder::{Changes, Reading};
use idflow_flow::diagnostic::{ObjectId, Severity};

use super::audit::Audit;
use super::demo::Demo;
use crate::output;

/// The terminal.
pub(super) struct Terminal {
    audit: Audit,
}

/// Says what a reading of the folder came to.
pub(super) fn reading(reading: &Reading) {
    // Notes are the same at every save: they would bury what is new.
    let told = reading.findings.iter().filter(|finding| finding.severity != Severity::Info);
    let told: Vec<_> = told.cloned().collect();
    if !told.is_empty() {
        eprint!("{}", output::text::findings(&told, &reading.manifests));
    }
    for (flow, missing) in &reading.missing {
        eprintln!("waiting   {flow}: {missing} does not exist yet");
    }
    let tenant = reading.tenant.as_deref();
    for (namespace, number) in &reading.skipped {
        println!("skipped   {}", of_another(*number, namespace, tenant));
    }
    let Changes { minted, kept, refused, mended, removed, idle } = &reading.changes;
    for (flow, digest) in minted {
        println!("revision  {flow}@{} serves new journeys", digest.short(8));
    }
    for object in kept {
        eprintln!(
            "kept      {object}: as it is now it cannot be used, so its last good form goes on serving"
        );
    }
    for object in refused {
        eprintln!("refused   {object}: {}", while_refused(object, tenant));
    }
    for object in idle {
        eprintln!("idle      {object}: {}", another_is_served(tenant.unwrap_or_default()));
    }
    for object in mended {
        println!("mended    {object}: it is used as its file describes it");
    }
    for object in removed {
        println!("removed   {object}: {}", once_removed(object));
    }
}

fn while_refused(object: &ObjectId, tenant: Option<&str>) -> String {
    match (&*object.kind, tenant) {
        ("Tenant", None) => "nothing is served until it is corrected".to_owned(),
        ("Tenant", Some(served)) => another_is_served(served),
        _ => "it is not served until it is corrected".to_owned(),
    }
}

fn another_is_served(tenant: &str) -> String {
    format!("a folder is served as one tenant, and that is Tenant/{tenant}")
}

fn of_another(number: usize, namespace: &str, served: Option<&str>) -> String {
    let objects = if number == 1 { "object" } else { "objects" };
    let served = served.map_or_else(String::new, |served| format!(" and Tenant/{served} is served"));
    format!("{number} {objects}: namespace {namespace} is another tenant's{served} (--tenant NAME chooses)")
}

fn once_removed(object: &ObjectId) -> &'static str {
    match &*object.kind {
        "Flow" => "no file describes it any more, so no journey begins on it; open ones finish",
        _ => "no file describes it any more",
    }
}

/// Says where everything is.
pub(super) fn addresses(demo: &Demo, lacking: Option<&str>, folder: &Path, data: &Path) {
    let Demo { issuer, .. } = demo;
    println!();
    println!("  Sign in, or create an account   {}", sign_in_at(demo, lacking));
    println!("  Read the mails it would send    {issuer}/dev/mail");
    println!("  For your own application        {issuer} (issuer)");
    println!("  Accounts and keys are kept in   {}", data.display());
    println!();
    println!("Edit a file in {} and save: new journeys run the edit, open ones", folder.display());
    println!("finish on the revision they began with. Every step is a line here:");
    println!();
}

/// Says that people can sign in to the demo application from now on, or what is lacking.
pub(super) fn sign_in(demo: &Demo, lacking: Option<&str>) {
    println!("sign-in   {}", sign_in_at(demo, lacking));
}

fn sign_in_at(demo: &Demo, lacking: Option<&str>) -> String {
    lacking.map_or_else(|| format!("{}/", demo.origin), |lacking| format!("not possible: {lacking}"))
}

impl Terminal {
    /// One that keeps the records beside the accounts, too.
    pub(super) fn keeping_in(data: &Path) -> Self {
        Self { audit: Audit::in_folder(data) }
    }
}

impl Observer for Terminal {
    fn audit(&self, event: &AuditEvent) {
        self.audit.write(event);
        println!("{}", line(event));
    }
}

/// One event as `time  journey  flow@revision  what`; the columns are wide enough for most names.
pub(crate) fn line(event: &AuditEvent) -> String {
    let journey = event.journey.map(|id| id.to_string().chars().take(6).collect::<String>());
    let journey = journey.as_deref().unwrap_or("------");
    let at = [event.flow.as_deref(), event.revision.as_deref()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("@");
    let at = if at.is_empty() { event.client.as_deref().unwrap_or_default() } else { &at };
    format!("{}  {journey}  {at:<24}  {}", time_of_day(event.at), what(event))
}

/// Hours, minutes and seconds in UTC.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    let time = at.seconds().rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60)
}

fn what(event: &AuditEvent) -> String {
    let outcome = event.outcome.as_deref();
    let step = event.step.as_deref().unwrap_or_default();
    let detail = event.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    match (&*event.name, outcome) {
        ("step.faulted", None) => format!("{step} could not do its work{detail}"),
        ("step.finished", Some(outcome)) => format!("{step} -> {outcome}{detail}"),
        ("mail.withheld", None) => format!("{step} sends no mail: too many went to this address of late"),
        ("step.repeated", Some(problem)) => format!("{step} asks again: {problem}{detail}"),
        ("step.repeated", None) => format!("{step} asks again"),
        (STOPPED, Some(outcome)) => {
            let reference = event.reference.as_deref().unwrap_or_default();
            format!("a visitor cannot go on: {outcome}  (idflow why {reference} --dev …)")
        }
        ("journey.ended", Some(outcome)) => format!("journey {outcome}"),
        (name, Some(outcome)) => format!("{name}: {outcome}"),
        (name, None) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use idflow_core::id::JourneyId;

    use super::*;

    fn event(name: &str, step: &str, outcome: Option<&str>) -> AuditEvent {
        AuditEvent {
            at: Timestamp(3_661_000),
            name: name.to_owned(),
            journey: Some(JourneyId::from_bytes([0; 16])),
            user: None,
            flow: Some("sign-in".to_owned()),
            revision: Some("5dc0826b".to_owned()),
            step: Some(step.to_owned()),
            outcome: outcome.map(str::to_owned),
            detail: None,
            reference: None,
            client: Some("demo".to_owned()),
        }
    }

    #[test]
    fn a_step_is_one_line_that_says_where_and_which_way() {
        assert_eq!(
            line(&event("step.finished", "signUp/verify/code", Some("next"))),
            "01:01:01  AAAAAA  sign-in@5dc0826b          signUp/verify/code -> next"
        );
    }

    #[test]
    fn a_call_to_the_outside_says_what_came_of_it() {
        let detail = Some("status 503".to_owned());
        let called = AuditEvent { detail, ..event("step.finished", "lookUp", Some("error")) };
        assert_eq!(what(&called), "lookUp -> error (status 503)");
        let detail = Some("no value".to_owned());
        let faulted = AuditEvent { detail, ..event("step.faulted", "account", None) };
        assert_eq!(what(&faulted), "account could not do its work (no value)");
    }

    #[test]
    fn a_step_that_asks_again_says_what_was_not_right() {
        assert_eq!(what(&event("step.repeated", "code", Some("code-wrong"))), "code asks again: code-wrong");
        assert_eq!(what(&event("step.repeated", "code", None)), "code asks again");
    }

    #[test]
    fn an_event_without_a_journey_names_the_application() {
        let mut event = event("token.issued", "", None);
        (event.journey, event.flow, event.revision, event.step) = (None, None, None, None);
        assert_eq!(line(&event), "01:01:01  ------  demo                      token.issued");
    }
}

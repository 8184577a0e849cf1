//! `idflow why REFERENCE`: what support tells a person who read the reference off a page. The reason stands in the
//! executor's audit records and nowhere else; they come on standard input, or from the state folder of `idflow dev`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use idflow_core::audit::AuditEvent;
use idflow_core::dead_end::{self, DeadEnd};
use idflow_core::time::Timestamp;
use idflow_core::{Data, Value};
use idflow_oidc::refusal::Refusal;

use crate::dev;

/// How many records before the one in question are kept, to tell what happened in its journey.
const MOST_RECORDS: usize = 100_000;

/// The longest line that is read. Ours are far shorter.
const LONGEST_LINE: u64 = 64 * 1024;

/// Arguments of `idflow why`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The reference that the page shows, in capitals or not.
    reference: String,
    /// The folder of manifests that `idflow dev` serves: the records are read from its state folder. Without it they
    /// are read from standard input: `kubectl logs statefulset/idflow-executor | idflow why REFERENCE`.
    #[arg(long, value_name = "DIR")]
    dev: Option<PathBuf>,
    /// Where `idflow dev` keeps its state, if it was told so with --data.
    #[arg(long, value_name = "DIR", requires = "dev")]
    data: Option<PathBuf>,
}

/// Tells the reason.
pub(crate) fn run(args: Args) -> ExitCode {
    crate::finish(told(args).map(|told| say!("{told}")))
}

fn told(args: Args) -> anyhow::Result<String> {
    let reference = plain(&args.reference);
    let mut records = Records::about(&reference);
    let is_of_dev = args.dev.is_some();
    if let Some(folder) = args.dev {
        for file in dev::audit_files(&folder, args.data.as_deref())? {
            records.read_file(&file)?;
        }
    } else {
        let input = std::io::stdin();
        anyhow::ensure!(
            !input.is_terminal(),
            "nothing to read: send the executor's log to standard input, or name the folder that idflow dev serves with --dev"
        );
        records.read(input.lock())?;
    }
    anyhow::ensure!(
        records.read > 0 || !is_of_dev,
        "nothing is recorded for this folder: idflow dev has not served it, or keeps its state elsewhere (--data)"
    );
    let found = records.found.as_ref();
    let found = found.with_context(|| {
        format!(
            "no record has the reference {reference} (of {} read): take the logs of every executor pod, and of the time when the page was shown",
            records.read
        )
    })?;
    Ok(tell(found, &records.of_journey(found)))
}

/// A reference as it is written in records, however a person wrote it down: O and I are no letters of it.
fn plain(reference: &str) -> String {
    let letters =
        reference.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
    letters
        .map(|letter| {
            if letter == 'O' {
                '0'
            } else if letter == 'I' || letter == 'L' {
                '1'
            } else {
                letter
            }
        })
        .collect()
}

/// The record in question, and those before and after it.
struct Records<'a> {
    reference: &'a str,
    read: usize,
    recent: VecDeque<AuditEvent>,
    found: Option<AuditEvent>,
}

impl<'a> Records<'a> {
    const fn about(reference: &'a str) -> Self {
        Self { reference, read: 0, recent: VecDeque::new(), found: None }
    }

    fn read_file(&mut self, path: &Path) -> anyhow::Result<()> {
        match File::open(path) {
            Ok(file) => self.read(BufReader::new(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn read(&mut self, mut lines: impl BufRead) -> anyhow::Result<()> {
        let mut line = Vec::new();
        while lines
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .context("the records end early")?
            > 0
        {
            if let Some(event) = record(&line) {
                self.keep(event);
            }
            line.clear();
        }
        Ok(())
    }

    fn keep(&mut self, event: AuditEvent) {
        self.read += 1;
        if event.reference.as_deref() == Some(self.reference) {
            self.found = Some(event.clone());
        }
        if self.recent.len() == MOST_RECORDS {
            self.recent.pop_front();
        }
        self.recent.push_back(event);
    }

    fn of_journey(&self, found: &AuditEvent) -> Vec<&AuditEvent> {
        let is_same = |event: &&AuditEvent| event.journey.is_some() && event.journey == found.journey;
        self.recent.iter().filter(is_same).filter(|event| event.reference.is_none()).collect()
    }
}

/// The audit record in a line: of our own file, or of an executor's log, whatever stands before it.
fn record(line: &[u8]) -> Option<AuditEvent> {
    let start = line.iter().position(|byte| *byte == b'{')?;
    let mut fields: Data = serde_json::from_slice(line.get(start..)?).ok()?;
    let logged_at = fields.get("timestamp").and_then(Value::as_str).and_then(moment);
    if let Some(Value::Object(logged)) = fields.remove("fields") {
        if fields.get("target").and_then(Value::as_str) != Some("idflow::audit") {
            return None;
        }
        fields = logged;
    }
    fields.entry("at").or_insert_with(|| Value::from(logged_at.unwrap_or_default()));
    serde_json::from_value(Value::Object(fields)).ok()
}

/// Milliseconds since 1970 of a moment as logs have it.
fn moment(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// The reason in words, and the way there.
fn tell(found: &AuditEvent, journey: &[&AuditEvent]) -> String {
    let mut lines = vec![reason(found)];
    let known = [
        ("application", found.client.as_deref()),
        ("flow", found.flow.as_deref()),
        ("revision", found.revision.as_deref()),
    ];
    lines.extend(known.into_iter().filter_map(|(what, name)| Some(format!("  {what:<12}{}", name?))));
    lines.extend(found.journey.map(|journey| format!("  {:<12}{journey}", "journey")));
    lines.extend(found.user.map(|user| format!("  {:<12}{user}", "user")));
    if found.at != Timestamp(0) {
        lines.push(format!("  {:<12}{} UTC", "shown at", dev::time_of_day(found.at)));
    }
    if !journey.is_empty() {
        lines.push("What happened in the journey:".to_owned());
        lines.extend(journey.iter().map(|event| format!("  {}", dev::line(event))));
    }
    lines.join("\n")
}

fn reason(found: &AuditEvent) -> String {
    let outcome = found.outcome.as_deref().unwrap_or_default();
    match DeadEnd::named(outcome).filter(|_| found.name == dead_end::STOPPED) {
        Some(end) => explained(end).to_owned(),
        None => match Refusal::ALL.iter().find(|refusal| refusal.name() == outcome) {
            Some(refusal) => format!(
                "The application's request was answered to nobody, because it cannot be known where the answer may go: {}. Whoever runs the application must mend its request, or its OIDCClient.",
                refusal.description()
            ),
            None => format!("{} {outcome}", found.name),
        },
    }
}

const fn explained(end: DeadEnd) -> &'static str {
    match end {
        DeadEnd::Expired => {
            "The journey took longer than its flow's lifetime. The person can start again; a flow that needs more time says so in spec.lifetime."
        }
        DeadEnd::Withdrawn => {
            "The journey could not go on: its revision was withdrawn or is no longer allowed by the Tenant's policy, or the user or session behind it was switched off. The person can start again on what is served now."
        }
        DeadEnd::ApplicationGone => {
            "The application that sent the person was removed or switched off, or its redirect URI changed meanwhile. Look at its OIDCClient."
        }
        DeadEnd::NothingKnown => {
            "The browser sent cookies, but none of this journey: the page was a bookmark or came from another browser, or the journey was over long ago, or the person began more than eight since. The person can start again."
        }
        DeadEnd::NoCookies => {
            "The browser sent no cookie at all: it blocks cookies, or the address was opened in another browser or program. The person must allow cookies for this site."
        }
        DeadEnd::OldCookie => {
            "The browser had the cookie from before the last step: the answer to its last post was lost, or the page was restored from before. The journey itself is unharmed, but only the answer had its new cookie; the person must start again."
        }
        DeadEnd::Failed => {
            "The journey ended at a fail step, or at an error that no outcome leads on from. Its records say at which step, how, and what a step could not do."
        }
        DeadEnd::Taken => {
            "A sign-up could not be finished, because its names are somebody else's by now: another sign-up with the same address or name was finished first or has proven the address, or the 24 hours were over that a sign-up is kept. Was it the same person, they can sign in; else they start again. A flow that proves the address before createUser lets nobody type another's."
        }
        DeadEnd::AnotherOrigin => {
            "A form came from another site, or from another name of this one. Where many meet it, the site is shown at another name than the Tenant's issuer."
        }
        DeadEnd::AnotherName => {
            "A form was posted from a page at another name than the Tenant's issuer, which the page tells the person and links to. Where many meet it, something before the executor shows the site at another name: the issuer must be the address that browsers use."
        }
        DeadEnd::TooManyCookies => {
            "The browser sent more than 32 KiB of cookies, most of them of other applications of the host and of its parent domains. The person must delete the cookies of this site; where many meet it, an application near it sets too many."
        }
        DeadEnd::Unreadable => {
            "What came was no form of ours, or an address with control characters. Nothing was changed."
        }
        DeadEnd::Unavailable => {
            "A part of the service could not be reached: the store, or a revision that was not loaded yet. Nothing was changed. The executor's log of that moment names it."
        }
        DeadEnd::Defect => {
            "The executor met a defect. Its log of that moment has the details; please report them."
        }
    }
}

#[cfg(test)]
mod tests {
    use idflow_core::id::JourneyId;
    use idflow_executor::observer::{LogObserver, Observer as _};

    use super::*;

    const PLAIN: &str = r#"{"at":1800000000000,"name":"visitor.stopped","journey":"AAAAAAAAAAAAAAAAAAAAAA","flow":"sign-in","revision":"5dc0826b","outcome":"expired","reference":"7Q2M4XKDB9","client":"app"}"#;
    const LOGGED: &str = r#"pod/idflow-0 {"timestamp":"2026-11-27T01:02:03Z","level":"INFO","fields":{"name":"visitor.stopped","outcome":"noCookies","reference":"0123456789"},"target":"idflow::audit"}"#;

    fn asked(reference: &str, lines: &str) -> Option<String> {
        let reference = plain(reference);
        let mut records = Records::about(&reference);
        records.read(lines.as_bytes()).unwrap();
        let found = records.found.as_ref()?;
        Some(tell(found, &records.of_journey(found)))
    }

    #[test]
    fn a_record_is_found_however_its_reference_is_written_down_and_wherever_it_stands() {
        let step = r#"{"at":1799999999000,"name":"step.finished","journey":"AAAAAAAAAAAAAAAAAAAAAA","flow":"sign-in","step":"password","outcome":"next"}"#;
        let lines = format!("not JSON\n{{}}\n[1]\n{step}\n{LOGGED}\n{PLAIN}\n");
        for written in ["7Q2M4XKDB9", "7q2m4xkdb9", " 7Q2M4-XKDB9 "] {
            let told = asked(written, &lines).unwrap();
            assert!(told.contains("longer than its flow's lifetime"), "{told}");
            assert!(
                told.contains("sign-in") && told.contains("app") && told.contains("password -> next"),
                "{told}"
            );
        }
        let logged = asked("oi23456789", &lines).unwrap();
        assert!(logged.contains("allow cookies"), "O and I are 0 and 1");
        assert!(logged.contains("01:02:03"), "the log's own time: {logged}");
        assert_eq!(asked("7Q2M4XKDB8", &lines), None);
    }

    #[test]
    fn other_lines_of_a_log_are_no_records() {
        let foreign = LOGGED.replace("idflow::audit", "idflow::http");
        assert_eq!(asked("0123456789", &foreign), None);
        let long = format!("{{\"a\":\"{}\"}}\n{LOGGED}\n", "x".repeat(200_000));
        assert!(asked("0123456789", &long).is_some());
    }

    #[test]
    fn what_the_log_observer_writes_is_what_is_read() {
        let journey = Some(JourneyId::from_bytes([7; 16]));
        let event = AuditEvent { journey, ..record(PLAIN.as_bytes()).unwrap() };
        let (reader, writer) = std::io::pipe().unwrap();
        let logger = tracing_subscriber::fmt().json().with_writer(std::sync::Mutex::new(writer)).finish();
        tracing::subscriber::with_default(logger, || {
            tracing::info!("something else");
            LogObserver.audit(&event);
        });
        let read: Vec<AuditEvent> =
            BufReader::new(reader).split(b'\n').filter_map(|line| record(&line.unwrap())).collect();
        // The moment is the one that the log says.
        let [read] = read.try_into().unwrap();
        assert_ne!(read.at, event.at);
        assert_eq!(AuditEvent { at: event.at, ..read }, event);
    }

    #[test]
    fn a_refused_request_is_told_in_the_words_of_its_refusal() {
        let refusal = Refusal::UnregisteredRedirectUri;
        let line = format!(
            r#"{{"at":1,"name":"request.refused","outcome":"{}","reference":"AAAAAAAAAA"}}"#,
            refusal.name()
        );
        assert!(asked("AAAAAAAAAA", &line).unwrap().contains(refusal.description()));
    }
}

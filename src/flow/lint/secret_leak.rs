//! A secret value on its way to a page, a mail, a request or a variable.
//!
//! Outputs that a node kind marks as secret may decide something or be stored with a user, and go nowhere else: pages,
//! mails and other systems keep copies.
//!
//! ```yaml,invalid
//! type: Login
//! start: ask
//! steps:
//!   - id: ask
//!     http: { connection: crm, path: /token, secret: true }
//!     outcomes: { next: tell }
//!   - id: tell
//!     http: { connection: crm, method: POST, path: /customers, body: { token: steps.ask.body.token } }
//!     outcomes: { next: password }
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Login
//! start: ask
//! steps:
//!   - id: ask
//!     http: { connection: crm, path: /token, secret: true }
//!     outcomes: { next: tell }
//!   - id: tell
//!     http: { connection: crm, method: POST, path: /customers, body: { status: steps.ask.status } }
//!     outcomes: { next: password }
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Remove the read; keep secrets in a Secret that a Connection names.

use std::collections::BTreeSet;

use idflow_sandbox::Reference;

use crate::edge::writes;
use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::Sink;
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "secret-leak",
    severity: Severity::Error,
    why: "Pages, mails and other systems keep copies that nobody can call back",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let written = cx.graph().steps.iter().flat_map(writes);
    let secrets: BTreeSet<String> =
        written.filter(|(_, output)| output.secret).map(|(place, _)| place).collect();
    let mut findings = Vec::new();
    for used in cx.uses() {
        let Some(destination) = destination(used.sink) else { continue };
        for read in &used.reads {
            if let Some(secret) = secrets.iter().find(|secret| covers(read, secret)) {
                let title = format!("{secret} is secret, and this puts it into {destination}");
                findings.push(RULE.at(cx.at(&used.pointer).narrowed(read.to_string()), title, "remove the read"));
            }
        }
    }
    findings
}

/// Whether the value that is read is the secret, holds it, or is part of it.
fn covers(read: &Reference, secret: &str) -> bool {
    let secret = secret.split('.');
    read.path.iter().map(String::as_str).zip(secret).all(|(read, secret)| read == secret)
}

fn destination(sink: Sink) -> Option<&'static str> {
    match sink {
        Sink::Page => Some("a page"),
        Sink::Mail => Some("a mail"),
        Sink::Request => Some("a request to another system"),
        Sink::Variable => Some("a variable, an argument or an output"),
        Sink::Decision | Sink::Store => None,
    }
}

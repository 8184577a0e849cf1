//! The mail catcher: every mail of `idflow dev` lands on a page instead of in somebody's inbox.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use futures_util::future::BoxFuture;
use idflow_core::time::{Clock, Timestamp};
use idflow_net::mail::{MailError, Mailer, Message, SmtpSettings};
use idflow_pages::escape;
use serde::Serialize;

use super::page::page;
use super::terminal::time_of_day;

const KEPT: usize = 200;

/// One caught mail.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Caught {
    /// How many were caught before.
    pub(super) number: u64,
    /// The recipient's address.
    pub(super) to: String,
    /// The subject.
    pub(super) subject: String,
    /// The plain text part.
    pub(super) text: String,
    /// The HTML part.
    pub(super) html: String,
    /// Milliseconds since the Unix epoch.
    pub(super) at: i64,
}

/// The caught mails, newest first.
#[derive(Clone)]
pub(super) struct Catcher {
    mails: Arc<Mutex<VecDeque<Caught>>>,
    caught: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
}

impl Mailer for Catcher {
    fn send<'a>(&'a self, _: &'a SmtpSettings, message: Message) -> BoxFuture<'a, Result<(), MailError>> {
        self.catch(Caught {
            number: self.caught.fetch_add(1, Ordering::Relaxed),
            to: message.to,
            subject: message.subject,
            text: message.text,
            html: message.html,
            at: self.clock.now().0,
        });
        Box::pin(async { Ok(()) })
    }
}

impl Catcher {
    /// An empty catcher.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { mails: Arc::default(), caught: Arc::default(), clock }
    }

    /// Keeps a mail; the oldest of 200 goes.
    fn catch(&self, mail: Caught) {
        if let Ok(mut mails) = self.mails.lock() {
            mails.push_front(mail);
            mails.truncate(KEPT);
        }
    }

    fn mails(&self) -> Vec<Caught> {
        self.mails.lock().map(|mails| mails.iter().cloned().collect()).unwrap_or_default()
    }

    /// The catcher's pages.
    pub(super) fn routes(self) -> Router {
        Router::new()
            .route("/dev/mail", get(list))
            .route("/dev/mail/{number}", get(html_part))
            .route("/dev/mail.json", get(list_json))
            .with_state(self)
    }
}

async fn list_json(State(catcher): State<Catcher>) -> Json<Vec<Caught>> {
    Json(catcher.mails())
}

async fn list(State(catcher): State<Catcher>) -> Html<String> {
    let now = catcher.clock.now();
    let mails: String = catcher.mails().iter().map(|mail| entry(mail, now)).collect();
    let body = if mails.is_empty() { "<p>No mail yet.</p>".to_owned() } else { mails };
    page("Mail catcher", "<meta http-equiv=refresh content=3>", &body)
}

/// The part that most people see, on a page that does not load itself anew.
async fn html_part(State(catcher): State<Catcher>, Path(number): Path<u64>) -> Html<String> {
    let mail = catcher.mails().into_iter().find(|mail| mail.number == number);
    let part = |mail: Caught| format!("<iframe sandbox srcdoc=\"{}\"></iframe>", escape(&mail.html));
    let body = mail.map_or_else(|| "<p>This mail is kept no more.</p>".to_owned(), part);
    page("HTML part", "", &format!("<p><a href=\"/dev/mail\">Mail catcher</a></p>{body}"))
}

fn entry(mail: &Caught, now: Timestamp) -> String {
    let at = Timestamp(mail.at);
    format!(
        "<article><h2>{}</h2><p>to <b>{}</b> · {} UTC, {} · <a href=\"/dev/mail/{}\">HTML part</a></p><pre>{}</pre></article>",
        escape(&mail.subject),
        escape(&mail.to),
        time_of_day(at),
        ago(now.since(at).whole_seconds()),
        mail.number,
        escape(&mail.text)
    )
}

fn ago(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{} s ago", seconds.max(0)),
        60..3600 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_says_when_it_was_sent() {
        let (to, subject) = ("ada@test.example".to_owned(), "Your code".to_owned());
        let mail = Caught { number: 0, to, subject, text: String::new(), html: String::new(), at: 3_661_000 };
        let shown = |later: i64| entry(&mail, Timestamp(mail.at + later * 1000));
        for (later, ago) in [(-1, "0 s ago"), (59, "59 s ago"), (60, "1 min ago"), (7300, "2 h ago")] {
            assert!(shown(later).contains(&format!("01:01:01 UTC, {ago}")), "{}", shown(later));
        }
    }
}

//! The mail catcher: every mail of `idflow dev` lands on a page instead of in somebody's inbox.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use idflow_core::time::Clock;
use futures_util::future::BoxFuture;
use idflow_net::mail::{MailError, Mailer, Message, SmtpSettings};
use idflow_pages::escape;
use serde::Serialize;

const KEPT: usize = 200;

/// One caught mail.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Caught {
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
    clock: Arc<dyn Clock>,
}

impl Mailer for Catcher {
    fn send<'a>(
        &'a self,
        _: &'a SmtpSettings,
        message: Message,
    ) -> BoxFuture<'a, Result<(), MailError>> {
        self.catch(Caught {
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
        Self { mails: Arc::default(), clock }
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
        Router::new().route("/dev/mail", get(list)).route("/dev/mail.json", get(list_json)).with_state(self)
    }
}

async fn list_json(State(catcher): State<Catcher>) -> Json<Vec<Caught>> {
    Json(catcher.mails())
}

async fn list(State(catcher): State<Catcher>) -> Html<String> {
    let mails: String = catcher.mails().iter().map(entry).collect();
    let body = if mails.is_empty() { "<p>No mail yet.</p>".to_owned() } else { mails };
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <meta http-equiv=refresh content=3><title>Mail catcher</title><style>body{{font:1rem/1.5 system-ui;\
         max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}}article{{border:1px solid #8886;\
         border-radius:.5rem;padding:0 1rem;margin:1rem 0}}pre{{white-space:pre-wrap;font:inherit}}</style>\
         <h1>Mail catcher</h1>{body}"
    ))
}

fn entry(mail: &Caught) -> String {
    format!(
        "<article><h2>{}</h2><p>to <b>{}</b></p><pre>{}</pre></article>",
        escape(&mail.subject),
        escape(&mail.to),
        escape(&mail.text)
    )
}

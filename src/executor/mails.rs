//! Sends mails after commits: one worker, so that nobody can tell by timing whether a mail was sent (checklist E-2).

use std::sync::Arc;

use idflow_core::effect::Mail;

use crate::app::Shared;
use crate::configuration::Connection;
use crate::mail_queue::Waiting;

/// Sends queued mails one by one until the queue's entrance is gone.
pub async fn deliver(app: Shared, mailer: Arc<dyn idflow_net::mail::Mailer>, mut waiting: Waiting) {
    while let Some(mail) = waiting.recv().await {
        let id = mail.id.clone();
        match deliver_one(&app, mailer.as_ref(), &mail).await {
            Ok(()) => {
                app.metrics.mails_sent.inc();
            }
            Err(problem) => {
                app.metrics.mails_failed.inc();
                tracing::error!(effect = %id, connection = mail.connection, problem, "a mail was not sent");
            }
        }
    }
}

async fn deliver_one(app: &Shared, mailer: &dyn idflow_net::mail::Mailer, mail: &Mail) -> Result<(), String> {
    let configuration = app.configuration.load_full();
    let Some(Connection::Smtp(settings)) = configuration.connections.get(&mail.connection) else {
        return Err(
            "the connection does not exist, is no mail server, or its Secret may not be used".to_owned()
        );
    };
    let rendered = app.pages.mail(mail, &configuration.theme).map_err(|error| error.to_string())?;
    let message = idflow_net::mail::Message {
        id: mail.id.to_string(),
        to: mail.to.clone(),
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
    };
    mailer.send(settings, message).await.map_err(|error| error.to_string())
}

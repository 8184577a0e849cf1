//! Mail through a tenant's relay (RFC 5321), one connection for each mail.
//!
//! A mail is an effect of class at most once, so the errors tell apart what certainly was not sent from what may
//! have been.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use idflow_core::digest::Digest;
use idflow_core::secret::SecretText;
use idflow_core::time::{Clock, Span};
use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use crate::guard::{Guard, Refused, Resolver, SystemResolver};

/// How long connecting may take, within the whole.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A relay and how to use it.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Its host name or IP address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// The sender, for example `Acme <no-reply@acme.example>`.
    pub from: String,
    /// User name and password, if it wants some. Never sent unprotected, except to a loopback address.
    pub login: Option<(String, SecretText)>,
    /// How long one mail may take.
    pub timeout: Span,
    /// The only hosts that may be used; nothing means every one.
    pub allowed_hosts: Option<Vec<String>>,
    /// Networks that may be reached although they are not public.
    pub allowed_networks: Vec<String>,
}

/// How a connection to a relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// TLS by the STARTTLS command; without it nothing is sent.
    StartTls,
    /// None: only when the connection says so.
    None,
}

/// One mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The effect's id; the Message-ID follows from it, so that a repeated mail can be recognised.
    pub id: String,
    /// The recipient's address, without a name.
    pub to: String,
    /// The subject. Control characters become spaces.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

/// Why a mail was not sent, or perhaps was. Contains no recipient, no content and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The mail or the settings are not acceptable. Not sent.
    #[error("{0}")]
    Invalid(&'static str),
    /// The relay may not be used. Not sent.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The relay was not reached, or not with the protection that is demanded. Not sent.
    #[error("the mail server could not be used: {0}")]
    Unreachable(&'static str),
    /// The relay said no. Not sent.
    #[error("the mail server refused the mail with code {0}")]
    Rejected(u16),
    /// The connection broke or timed out after the mail was begun. It may have been sent.
    #[error("the mail server did not say whether it took the mail")]
    Uncertain,
}

/// Sends mail. `idflow dev` and tests put a catcher in its place.
pub trait Mailer: Send + Sync {
    /// Sends one mail, at most once: nothing is repeated.
    fn send<'a>(
        &'a self,
        settings: &'a SmtpSettings,
        message: Message,
    ) -> BoxFuture<'a, Result<(), MailError>>;
}

/// Sends mail over SMTP.
#[derive(Clone)]
pub struct SmtpMailer {
    clock: Arc<dyn Clock>,
    resolver: Arc<dyn Resolver>,
    roots: Vec<Certificate>,
}

impl std::fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpMailer").finish_non_exhaustive()
    }
}

impl SmtpMailer {
    /// A mailer that dates mails by `clock` and trusts the system's authorities.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        crate::install_crypto();
        Self { clock, resolver: Arc::new(SystemResolver), roots: Vec::new() }
    }

    /// The same mailer, trusting these authorities (PEM) too. What is no certificate is left out.
    #[must_use]
    pub fn trusting(mut self, roots: &[String]) -> Self {
        self.roots.extend(roots.iter().filter_map(|pem| Certificate::from_pem(pem.as_bytes()).ok()));
        self
    }

    /// `begun` is set before the first word about the mail.
    async fn deliver(
        &self,
        settings: &SmtpSettings,
        message: &Message,
        begun: &AtomicBool,
    ) -> Result<(), MailError> {
        let mail = self.compose(settings, message)?;
        let hello = ClientId::Domain(sender(settings)?.email.domain().to_owned());
        let mut connection = self.connect(settings, &hello).await?;
        begun.store(true, Ordering::Relaxed);
        let outcome = connection.send(mail.envelope(), &mail.formatted()).await;
        if outcome.is_ok() {
            // The mail is accepted; how the connection ends changes nothing.
            let _ = connection.quit().await;
        }
        outcome.map(drop).map_err(|error| match error.status() {
            Some(code) => MailError::Rejected(u16::from(code)),
            None if error.is_client() => MailError::Invalid("the mail server cannot take this address"),
            None => MailError::Uncertain,
        })
    }

    async fn connect(
        &self,
        settings: &SmtpSettings,
        hello: &ClientId,
    ) -> Result<AsyncSmtpConnection, MailError> {
        let guard = Guard::new(
            settings.allowed_hosts.as_deref(),
            &settings.allowed_networks,
            Arc::clone(&self.resolver),
        );
        let addresses = guard.resolve(&settings.host, settings.port).await?;
        if settings.login.is_some()
            && settings.security == SmtpSecurity::None
            && !addresses.iter().all(|address| address.ip().is_loopback())
        {
            return Err(MailError::Invalid(
                "a login needs TLS: set the connection's `tls` to Implicit or StartTLS",
            ));
        }
        let implicit = match settings.security {
            SmtpSecurity::Implicit => Some(self.tls(settings)?),
            SmtpSecurity::StartTls | SmtpSecurity::None => None,
        };
        let unreachable = |_| MailError::Unreachable("no connection, or no certificate it can be known by");
        let timeout = Some(CONNECT_TIMEOUT);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(addresses.as_slice(), timeout, hello, implicit, None)
                .await
                .map_err(unreachable)?;
        if settings.security == SmtpSecurity::StartTls {
            let secured = connection.starttls(self.tls(settings)?, hello).await;
            secured.map_err(|_| MailError::Unreachable("STARTTLS failed"))?;
        }
        if let Some((user, password)) = &settings.login {
            let credentials =
                Credentials::new(user.clone(), password.expose_for("the relay's login").to_owned());
            let login = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            login.map_err(|_| MailError::Unreachable("the login was not accepted"))?;
        }
        Ok(connection)
    }

    fn tls(&self, settings: &SmtpSettings) -> Result<TlsParameters, MailError> {
        let builder = TlsParameters::builder(settings.host.trim_end_matches('.').to_owned());
        self.roots
            .iter()
            .fold(builder, |builder, root| builder.add_root_certificate(root.clone()))
            .build_rustls()
            .map_err(|_| MailError::Unreachable("the system's certificate authorities cannot be read"))
    }

    fn compose(&self, settings: &SmtpSettings, message: &Message) -> Result<lettre::Message, MailError> {
        let from = sender(settings)?;
        let to: Address =
            message.to.parse().map_err(|_| MailError::Invalid("the recipient is no mail address"))?;
        let millis = u64::try_from(self.clock.now().0).unwrap_or_default();
        // The effect's id names the journey, which is nobody else's business.
        let local = Digest::of_parts(&[b"message-id", message.id.as_bytes()]).short(32);
        let message_id = format!("<{local}@{}>", from.email.domain());
        let subject: String = message
            .subject
            .chars()
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect();
        lettre::Message::builder()
            .from(from)
            .to(Mailbox::new(None, to))
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(message_id))
            .subject(subject)
            .raw_header(automatic())
            .multipart(MultiPart::alternative_plain_html(message.text.clone(), message.html.clone()))
            .map_err(|_| MailError::Invalid("the mail cannot be composed"))
    }
}

/// Tells other machines not to answer (RFC 3834).
fn automatic() -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into())
}

fn sender(settings: &SmtpSettings) -> Result<Mailbox, MailError> {
    settings.from.parse().map_err(|_| MailError::Invalid("the connection's `from` is no mail address"))
}

impl Mailer for SmtpMailer {
    fn send<'a>(
        &'a self,
        settings: &'a SmtpSettings,
        message: Message,
    ) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let begun = AtomicBool::new(false);
            let sending = self.deliver(settings, &message, &begun);
            match tokio::time::timeout(settings.timeout.to_std(), sending).await {
                Ok(outcome) => outcome,
                Err(_) if begun.load(Ordering::Relaxed) => Err(MailError::Uncertain),
                Err(_) => Err(MailError::Unreachable("it took too long")),
            }
        })
    }
}

#[cfg(test)]
mod tests;

use std::sync::Mutex;

use idflow_core::time::{ManualClock, Timestamp};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

/// What the relay does.
#[derive(Clone, Default)]
struct Script {
    /// Lines answered instead of the usual ones, by command.
    answers: Vec<(&'static str, &'static str)>,
    /// The command after which it says nothing more.
    silent_after: Option<&'static str>,
    tls: Option<Arc<rustls::ServerConfig>>,
    implicit: bool,
}

/// A relay on a loopback address that writes down what it is told.
struct Relay {
    port: u16,
    heard: Arc<Mutex<String>>,
    _tasks: JoinSet<()>,
}

impl Relay {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(String::new()));
        let (log, mut tasks) = (Arc::clone(&heard), JoinSet::new());
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = script.tls.clone().map(tokio_rustls::TlsAcceptor::from);
                match acceptor {
                    Some(acceptor) if script.implicit => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            talk(stream, &script, &log, true).await;
                        }
                    }
                    Some(acceptor) => {
                        if let Some(stream) = talk(stream, &script, &log, true).await
                            && let Ok(stream) = acceptor.accept(stream).await
                        {
                            talk(stream, &script, &log, false).await;
                        }
                    }
                    None => drop(talk(stream, &script, &log, true).await),
                }
            }
        });
        Self { port, heard, _tasks: tasks }
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }
}

/// Speaks until QUIT, or until STARTTLS, which gives the stream back.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    script: &Script,
    log: &Mutex<String>,
    greet: bool,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    if greet {
        stream.write_all(b"220 relay.test ESMTP\r\n").await.ok()?;
    }
    let mut in_data = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        log.lock().unwrap().push_str(&line);
        let end_of_data = in_data && line == ".\r\n";
        if in_data && !end_of_data {
            continue;
        }
        let command = if end_of_data { "." } else { line.split([' ', '\r']).next().unwrap_or_default() };
        if script.silent_after == Some(command) {
            std::future::pending::<()>().await;
        }
        let usual = match command {
            "EHLO" if script.tls.is_some() && !script.implicit && greet => "250-relay.test\r\n250 STARTTLS",
            "EHLO" => "250-relay.test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        let answer =
            script.answers.iter().find(|(name, _)| *name == command).map_or(usual, |(_, answer)| answer);
        in_data = answer.starts_with("354");
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        match command {
            "QUIT" => return None,
            "STARTTLS" => return Some(stream.into_inner()),
            _ => {}
        }
    }
}

fn settings(relay: &Relay) -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".into(),
        port: relay.port,
        security: SmtpSecurity::None,
        from: "Acme Kundendienst ü <no-reply@acme.example>".into(),
        login: None,
        timeout: Span::seconds(5),
        allowed_hosts: None,
        allowed_networks: vec!["127.0.0.0/8".into()],
    }
}

fn message() -> Message {
    Message {
        id: "journey.1.2.0".into(),
        to: "ada@example.com".into(),
        subject: "Ihr Code: 123456 – gültig".into(),
        text: "Code: 123456\n.\nLeading dot line".into(),
        html: "<p>Code: <b>123456</b></p>".into(),
    }
}

fn mailer() -> SmtpMailer {
    SmtpMailer::new(Arc::new(ManualClock::at(Timestamp(1_767_225_600_000))))
}

fn certificate() -> (String, Arc<rustls::ServerConfig>) {
    crate::install_crypto();
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    (issued.cert.pem(), Arc::new(config))
}

#[tokio::test]
async fn a_mail_arrives_with_both_parts_and_a_stable_message_id() {
    let relay = Relay::start(Script::default()).await;
    mailer().send(&settings(&relay), message()).await.unwrap();
    let heard = relay.heard();
    for part in [
        "EHLO acme.example\r\n",
        "MAIL FROM:<no-reply@acme.example>",
        "RCPT TO:<ada@example.com>\r\n",
        "To: ada@example.com\r\n",
        "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
        "<p>Code: <b>123456</b></p>",
        "QUIT",
    ] {
        assert!(heard.contains(part), "{part:?} is missing in\n{heard}");
    }
    let id = |heard: &str| heard.lines().find(|line| line.starts_with("Message-ID: ")).unwrap().to_owned();
    assert!(id(&heard).ends_with("@acme.example>") && !id(&heard).contains("journey"));
    let again = Relay::start(Script::default()).await;
    mailer().send(&settings(&again), message()).await.unwrap();
    assert_eq!(id(&heard), id(&again.heard()));
}

#[tokio::test]
async fn x_13_headers_cannot_be_injected() {
    for (subject, to) in [
        ("hello\r\nBcc: victim@example.com", "ada@example.com"),
        ("hello\nX-Evil: 1\n\nbody", "ada@example.com"),
        ("hello\u{85}Bcc: x", "ada@example.com"),
    ] {
        let relay = Relay::start(Script::default()).await;
        let message = Message { subject: subject.into(), to: to.into(), ..message() };
        mailer().send(&settings(&relay), message).await.unwrap();
        let heard = relay.heard();
        let headers = heard.split("\r\n\r\n").next().unwrap();
        assert!(
            !headers.lines().any(|line| line.starts_with("Bcc") || line.starts_with("X-Evil")),
            "{headers}"
        );
        assert_eq!(heard.matches("RCPT TO").count(), 1);
    }
    for to in [
        "ada@example.com\r\nRCPT TO:<x@y.example>",
        "ada@example.com>, <x@y.example",
        "a@b@example.com",
        "ada",
        "",
        "Ada <ada@example.com>",
        "ada@example.com,x@y.example",
        "\"a\r\nb\"@example.com",
        "ada@exa mple.com",
    ] {
        let relay = Relay::start(Script::default()).await;
        let outcome = mailer().send(&settings(&relay), Message { to: to.into(), ..message() }).await;
        assert!(matches!(outcome, Err(MailError::Invalid(_))), "{to:?}: {outcome:?}");
        assert_eq!(relay.heard(), "");
    }
}

#[tokio::test]
async fn a_refusal_is_told_apart_from_doubt() {
    for (command, answer, code) in [
        ("MAIL", "550 no", 550),
        ("RCPT", "550 5.1.1 no such user", 550),
        ("DATA", "451 later", 451),
        (".", "554 spam", 554),
    ] {
        let relay = Relay::start(Script { answers: vec![(command, answer)], ..Script::default() }).await;
        let outcome = mailer().send(&settings(&relay), message()).await;
        assert_eq!(outcome, Err(MailError::Rejected(code)), "{command}");
    }
    for command in ["EHLO", "AUTH"] {
        let relay = Relay::start(Script { silent_after: Some(command), ..Script::default() }).await;
        let login = Some(("user".to_owned(), SecretText::new("canary")));
        let settings = SmtpSettings { timeout: Span(300), login, ..settings(&relay) };
        let outcome = mailer().send(&settings, message()).await;
        assert!(matches!(outcome, Err(MailError::Unreachable(_))), "{command}: {outcome:?}");
    }
    for command in [".", "RCPT"] {
        let relay = Relay::start(Script { silent_after: Some(command), ..Script::default() }).await;
        let settings = SmtpSettings { timeout: Span(300), ..settings(&relay) };
        assert_eq!(mailer().send(&settings, message()).await, Err(MailError::Uncertain), "{command}");
    }
}

#[tokio::test]
async fn r_1_a_relay_on_an_address_that_is_not_granted_is_refused() {
    let relay = Relay::start(Script::default()).await;
    for host in ["127.0.0.1", "localhost", "127.1", "::ffff:127.0.0.1"] {
        let settings = SmtpSettings { host: host.into(), allowed_networks: Vec::new(), ..settings(&relay) };
        let outcome = mailer().send(&settings, message()).await;
        assert!(matches!(outcome, Err(MailError::Refused(_))), "{host}: {outcome:?}");
    }
    assert_eq!(relay.heard(), "");
}

#[tokio::test]
async fn starttls_is_demanded_not_hoped_for() {
    let relay = Relay::start(Script::default()).await;
    let settings = SmtpSettings {
        security: SmtpSecurity::StartTls,
        login: Some(("user".into(), SecretText::new("canary"))),
        ..settings(&relay)
    };
    let outcome = mailer().send(&settings, message()).await;
    assert!(matches!(outcome, Err(MailError::Unreachable(_))), "{outcome:?}");
    assert!(!relay.heard().contains("MAIL") && !relay.heard().contains("AUTH"));
}

#[tokio::test]
async fn both_kinds_of_tls_work_with_a_trusted_certificate_only() {
    let (root, config) = certificate();
    for (security, implicit) in [(SmtpSecurity::StartTls, false), (SmtpSecurity::Implicit, true)] {
        let script = Script { tls: Some(Arc::clone(&config)), implicit, ..Script::default() };
        let relay = Relay::start(script).await;
        let settings = SmtpSettings {
            host: "localhost".into(),
            security,
            login: Some(("user".into(), SecretText::new("canary"))),
            allowed_networks: vec!["127.0.0.0/8".into(), "::1/128".into()],
            ..settings(&relay)
        };
        let untrusted = mailer().send(&settings, message()).await;
        assert!(matches!(untrusted, Err(MailError::Unreachable(_))), "{security:?}: {untrusted:?}");
        assert!(!relay.heard().contains("MAIL"), "{security:?}");
        let trusting = mailer().trusting(std::slice::from_ref(&root));
        assert_eq!(trusting.send(&settings, message()).await, Ok(()), "{security:?}");
        assert!(relay.heard().contains("AUTH PLAIN"), "{security:?}");
    }
}

#[tokio::test]
async fn l_1_a_login_never_travels_unprotected() {
    let relay = Relay::start(Script::default()).await;
    let login = Some(("user".to_owned(), SecretText::new("canary")));
    let settings = SmtpSettings { login, ..settings(&relay) };
    assert_eq!(mailer().send(&settings, message()).await, Ok(()), "loopback is this machine");
    // A name whose address is granted but not loopback.
    let resolver = crate::guard::tests::Scripted::new(vec![vec!["10.1.2.3"]]);
    let settings = SmtpSettings {
        host: "relay.example".into(),
        allowed_networks: vec!["10.0.0.0/8".into()],
        ..settings
    };
    let outcome = SmtpMailer { resolver, ..mailer() }.send(&settings, message()).await;
    assert!(matches!(outcome, Err(MailError::Invalid(_))), "{outcome:?}");
    assert!(!format!("{settings:?} {outcome:?}").contains("canary"));
}

#[tokio::test]
async fn an_unusable_sender_is_said() {
    let relay = Relay::start(Script::default()).await;
    for from in ["", "acme", "a@b\r\nBcc: c@d.example"] {
        let outcome = mailer().send(&SmtpSettings { from: from.into(), ..settings(&relay) }, message()).await;
        assert_eq!(
            outcome,
            Err(MailError::Invalid("the connection's `from` is no mail address")),
            "{from:?}"
        );
    }
}

//! `Connection`: an outside system, written once and used by many steps.

use std::collections::BTreeMap;

use idflow_core::time::Span;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds::{Duration, HeaderValue, Host, MailSender, Text};
use crate::claim::Claims;
use crate::flow::ReferencedStatus;
pub use crate::oidc_client::SecretReference;

/// An outside system that steps talk to.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "idflow.dev",
    version = "v1alpha1",
    kind = "Connection",
    namespaced,
    status = "ReferencedStatus",
    derive = "PartialEq",
    category = "idflow",
    shortname = "conn",
    doc = "An outside system, such as a mail server, with the Secret it needs; written once, used by many steps.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("[has(self.smtp), has(self.http)].filter(x, x).size() == 1")
        .message("a connection has exactly one kind of system: smtp or http")
)]
pub struct ConnectionSpec {
    /// A mail server. Absent: this connection is of another kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp: Option<Smtp>,
    /// An HTTP service. Absent: this connection is of another kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
}

impl Claims for ConnectionSpec {}

impl crate::ResourceFacts for Connection {
    const SAMPLE: &'static str = "
apiVersion: idflow.dev/v1alpha1
kind: Connection
metadata: { name: mail }
spec:
  smtp: { host: mail.acme.example, from: no-reply@acme.example }
";
}

/// What is answered when a login would travel without encryption. Nothing is sent so, however old the object is.
pub const PLAIN_LOGIN: &str =
    "a login is never sent without encryption: set tls to Implicit or StartTLS, or remove secretRef";

/// A mail server.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.secretRef) || !has(self.tls) || self.tls != 'None' || self.host.matches('^(localhost|127[.][0-9.]+|::1)$')")
        .message(PLAIN_LOGIN)
        .field_path(".tls")
)]
pub struct Smtp {
    /// Its host name or IP address.
    #[schemars(with = "Host")]
    pub host: String,
    /// Its port. Absent means 465 for Implicit, 587 for StartTLS, 25 for None.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// How the connection is encrypted. Absent means Implicit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<SmtpTls>,
    /// The sender of every mail, for example `Acme <no-reply@acme.example>`.
    #[schemars(with = "MailSender")]
    pub from: String,
    /// The Secret with the entries `username` and `password`. Its annotation `idflow.dev/hosts` must list the
    /// host. Absent: no login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretReference>,
    /// How long sending one mail may take. Absent means 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Duration>")]
    pub timeout: Option<Span>,
}

impl Smtp {
    /// The encryption that applies.
    pub fn tls(&self) -> SmtpTls {
        self.tls.unwrap_or(SmtpTls::Implicit)
    }

    /// The port that applies.
    pub fn port(&self) -> u16 {
        let usual = match self.tls() {
            SmtpTls::Implicit => 465,
            SmtpTls::StartTLS => 587,
            SmtpTls::None => 25,
        };
        self.port.and_then(|port| u16::try_from(port).ok()).unwrap_or(usual)
    }
}

/// How a mail connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum SmtpTls {
    /// From the first byte on.
    Implicit,
    /// After the STARTTLS command, which must succeed.
    StartTLS,
    /// Not at all. A login is refused then, except to a loopback address.
    None,
}

/// An HTTP service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    /// What every path is appended to, for example `https://api.example.com/v1`. http only on loopback addresses.
    #[schemars(with = "Text<512>", regex(pattern = "^https?://[^/?#\\s@]+(/[^?#\\s]*)?$"))]
    pub url: String,
    /// Headers sent with every request; no secrets. Absent: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, HeaderValue>", extend("maxProperties" = 16))]
    pub headers: BTreeMap<String, String>,
    /// How requests are authenticated. Absent: they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<HttpAuthentication>,
    /// How long one request may take. Absent means 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Duration>")]
    pub timeout: Option<Span>,
}

/// How requests are authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpAuthentication {
    /// The scheme of the Authorization header.
    pub scheme: HttpScheme,
    /// The Secret: entry `token` for Bearer, entries `username` and `password` for Basic. Its annotation
    /// `idflow.dev/hosts` must list the host of the URL.
    pub secret_ref: SecretReference,
}

/// The scheme of an Authorization header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum HttpScheme {
    /// A token (RFC 6750).
    Bearer,
    /// User name and password (RFC 7617).
    Basic,
}

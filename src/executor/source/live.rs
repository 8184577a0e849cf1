//! The objects that are live at once: connections, directories, applications, themes, shared Secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use idflow_api::catalog::TenantSettings;
use idflow_api::connection::{ConnectionSpec, Http, HttpScheme, Smtp, SmtpTls};
use idflow_api::directory::DirectorySpec;
use idflow_api::oidc_client::{self, OIDCClientSpec, Scope};
use idflow_api::value_type::ValueType;
use idflow_core::digest::Digest;
use idflow_core::secret::SecretText;
use idflow_core::time::Span;
use idflow_flow::secret::{Flaw, SecretProblem, SecretUse};
use idflow_net::mail::{SmtpSecurity, SmtpSettings};
use idflow_oidc::client::{Algorithm, Client, ClientAuthentication, GrantType, PkcePolicy};
use idflow_pages::theme::Theme;

use crate::claims::Claims;
use crate::configuration::{Configuration, Connection, Directory, HttpConnection};
pub use crate::source::by_kind::Live;
use crate::source::shared_secret::SharedSecret;

/// NIST SP 800-63B-4 section 3.1.1.2: where the password may be the only factor.
const MINIMUM_LENGTH: u32 = 15;

/// Why an object cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Unusable {
    #[error("the Secret {0} does not exist or may not be read")]
    Missing(String),
    #[error("{0}: {help}", help = .0.help())]
    Secret(#[from] SecretProblem),
    #[error("it names no system")]
    NoSystem,
}

impl Live {
    /// A configuration without flows, and what could not be used of the objects.
    pub fn configuration(&self, tenant: &TenantSettings) -> (Configuration, Vec<String>) {
        let mut problems = Vec::new();
        let mut connections = BTreeMap::new();
        for (name, spec) in &self.connections {
            match self.connection(spec, tenant) {
                Ok(connection) => drop(connections.insert(name.clone(), connection)),
                Err(problem) => problems.push(format!("Connection {name}: {problem}")),
            }
        }
        let mut clients: BTreeMap<String, Arc<Client>> = BTreeMap::new();
        let mut claims = BTreeMap::new();
        for (name, spec) in &self.clients {
            let (computed, refused) = Claims::compile(name, &spec.claims);
            problems.extend(refused.iter().map(|problem| format!("OIDCClient {name}: {problem}")));
            match self.client(name, spec) {
                Ok(client) => {
                    claims.insert(client.id.clone(), computed);
                    clients.insert(client.id.clone(), Arc::new(client));
                }
                Err(problem) => problems.push(format!("OIDCClient {name}: {problem}")),
            }
        }
        claims.retain(|_, computed| !computed.is_empty());
        let theme = self.themes.values().find(|theme| theme.default).or_else(|| self.themes.values().next());
        let configuration = Configuration {
            generation: 0,
            issuer: tenant.issuer.clone(),
            trusted_proxies: tenant.trusted_proxies.clone(),
            hsts_include_sub_domains: tenant.hsts_include_sub_domains,
            allowed_hosts: tenant.egress.as_ref().and_then(|egress| egress.allowed_hosts.clone()),
            allowed_networks: tenant.egress.iter().flat_map(|egress| egress.private_ranges.clone()).collect(),
            limits: tenant.limits.clone(),
            policy: tenant.policy.clone(),
            flows: BTreeMap::new(),
            withdrawn: Vec::new(),
            origins: clients
                .values()
                .filter(|client| !client.disabled)
                .flat_map(|client| client.allowed_origins.clone())
                .collect(),
            clients,
            claims,
            directories: self
                .directories
                .iter()
                .map(|(name, spec)| (name.clone(), directory(spec)))
                .collect(),
            connections,
            theme: Arc::new(theme.map_or_else(Theme::default, idflow_flow::theme::theme).prepare()),
        };
        (configuration, problems)
    }

    fn connection(&self, spec: &ConnectionSpec, tenant: &TenantSettings) -> Result<Connection, Unusable> {
        let secret = match SecretUse::of_connection(spec) {
            Some(wanted) => Some(self.secret(&wanted)?),
            None => None,
        };
        match (&spec.smtp, &spec.http) {
            (Some(settings), _) => Ok(Connection::Smtp(smtp(settings, secret, tenant))),
            (None, Some(settings)) => Ok(Connection::Http(http(settings, secret))),
            (None, None) => Err(Unusable::NoSystem),
        }
    }

    fn client(&self, name: &str, spec: &OIDCClientSpec) -> Result<Client, Unusable> {
        let Some(wanted) = SecretUse::of_client(spec) else { return Ok(client(name, spec)) };
        let secret = self.secret(&wanted)?;
        let known = ["current", "previous"].map(|entry| secret.entry(entry));
        let secrets = known.iter().filter(|value| !value.is_empty()).map(Digest::of).collect();
        let guessable = secret.facts().doubts(&wanted).iter().any(|doubt| doubt.flaw == Flaw::Short);
        Ok(Client { secrets, guessable, ..client(name, spec) })
    }

    /// A Secret, for a use that nothing stands against.
    fn secret(&self, wanted: &SecretUse<'_>) -> Result<&SharedSecret, Unusable> {
        let secret =
            self.secrets.get(wanted.name).ok_or_else(|| Unusable::Missing(wanted.name.to_owned()))?;
        match secret.facts().problems(wanted).into_iter().next() {
            Some(problem) => Err(problem.into()),
            None => Ok(secret),
        }
    }
}

fn smtp(smtp: &Smtp, secret: Option<&SharedSecret>, tenant: &TenantSettings) -> SmtpSettings {
    let login = |secret: &SharedSecret| {
        (secret.entry("username").to_owned(), SecretText::new(secret.entry("password")))
    };
    SmtpSettings {
        host: smtp.host.clone(),
        port: smtp.port(),
        security: match smtp.tls() {
            SmtpTls::Implicit => SmtpSecurity::Implicit,
            SmtpTls::StartTLS => SmtpSecurity::StartTls,
            SmtpTls::None => SmtpSecurity::None,
        },
        from: smtp.from.clone(),
        login: secret.map(login),
        timeout: smtp.timeout.unwrap_or(Span::seconds(10)),
        allowed_hosts: tenant.egress.as_ref().and_then(|egress| egress.allowed_hosts.clone()),
        allowed_networks: tenant.egress.iter().flat_map(|egress| egress.private_ranges.clone()).collect(),
    }
}

fn http(http: &Http, secret: Option<&SharedSecret>) -> HttpConnection {
    let plain = http.headers.iter().map(|(name, value)| (name.clone(), SecretText::new(value)));
    let login = http.authentication.as_ref().zip(secret);
    let login = login.map(|(login, secret)| ("authorization".to_owned(), credentials(login.scheme, secret)));
    HttpConnection {
        base: http.url.trim_end_matches('/').to_owned(),
        headers: plain.chain(login).collect(),
        timeout: http.timeout.unwrap_or(Span::seconds(5)),
    }
}

fn credentials(scheme: HttpScheme, secret: &SharedSecret) -> SecretText {
    use base64::Engine as _;
    match scheme {
        HttpScheme::Bearer => SecretText::new(format!("Bearer {}", secret.entry("token"))),
        HttpScheme::Basic => {
            let pair = format!("{}:{}", secret.entry("username"), secret.entry("password"));
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
            SecretText::new(format!("Basic {encoded}"))
        }
    }
}

/// The live part of a Directory.
pub fn directory(spec: &DirectorySpec) -> Directory {
    let policy = spec.password_policy.as_ref();
    let minimum = policy.and_then(|policy| policy.minimum_length);
    Directory {
        // What is no length is met by no password.
        minimum_length: minimum.map_or(MINIMUM_LENGTH, |length| u32::try_from(length).unwrap_or(u32::MAX)),
        blocklist: policy.map(|policy| policy.blocklist.clone()).unwrap_or_default(),
        identifiers: spec.identifiers.clone(),
        unique: spec.attributes.iter().filter(|a| a.unique).map(|a| a.name.clone()).collect(),
        addresses: spec
            .attributes
            .iter()
            .filter(|a| a.type_ == ValueType::Email)
            .map(|a| a.name.clone())
            .collect(),
    }
}

/// A client without its secrets.
fn client(name: &str, spec: &OIDCClientSpec) -> Client {
    let flows = spec.flows.clone().unwrap_or_default();
    Client {
        id: spec.client_id.clone().unwrap_or_else(|| name.to_owned()),
        name: spec.display_name.clone().unwrap_or_else(|| name.to_owned()),
        redirect_uris: spec.redirect_uris.clone(),
        post_logout_redirect_uris: spec.post_logout_redirect_uris.clone(),
        authentication: match spec.authentication {
            oidc_client::ClientAuthentication::None => ClientAuthentication::None,
            oidc_client::ClientAuthentication::ClientSecret => ClientAuthentication::Secret,
            oidc_client::ClientAuthentication::ClientSecretBasic => ClientAuthentication::SecretBasic,
            oidc_client::ClientAuthentication::ClientSecretPost => ClientAuthentication::SecretPost,
        },
        secrets: Vec::new(),
        guessable: false,
        grants: spec.grants.as_deref().unwrap_or(&DEFAULT_GRANTS).iter().copied().map(grant).collect(),
        scopes: spec.scopes.as_deref().unwrap_or(&DEFAULT_SCOPES).iter().copied().map(scope).collect(),
        pkce: match spec.pkce {
            Some(oidc_client::Pkce::OptionalWithNonce) => PkcePolicy::OptionalWithNonce,
            Some(oidc_client::Pkce::Required) | None => PkcePolicy::Required,
        },
        refresh_grace: spec.refresh_grace.unwrap_or(DEFAULT_REFRESH_GRACE),
        id_token_algorithm: match spec.id_token_signing_algorithm {
            Some(oidc_client::SigningAlgorithm::ES256) => Algorithm::Es256,
            Some(oidc_client::SigningAlgorithm::RS256) | None => Algorithm::Rs256,
        },
        allowed_origins: spec.allowed_origins.clone(),
        flows: [("Login", flows.login), ("Registration", flows.registration), ("Logout", flows.logout)]
            .into_iter()
            .filter_map(|(flow_type, flow)| Some((flow_type.to_owned(), flow?)))
            .collect(),
        disabled: false,
    }
}

const DEFAULT_GRANTS: [oidc_client::Grant; 1] = [oidc_client::Grant::AuthorizationCode];
const DEFAULT_REFRESH_GRACE: Span = Span::seconds(10);
const DEFAULT_SCOPES: [Scope; 3] = [Scope::Openid, Scope::Profile, Scope::Email];

fn scope(scope: Scope) -> String {
    match scope {
        Scope::Openid => "openid",
        Scope::Profile => "profile",
        Scope::Email => "email",
        Scope::Groups => "groups",
        Scope::OfflineAccess => "offline_access",
    }
    .to_owned()
}

fn grant(grant: oidc_client::Grant) -> GrantType {
    match grant {
        oidc_client::Grant::AuthorizationCode => GrantType::AuthorizationCode,
        oidc_client::Grant::RefreshToken => GrantType::RefreshToken,
        oidc_client::Grant::ClientCredentials => GrantType::ClientCredentials,
    }
}

#[cfg(test)]
mod tests {
    use idflow_api::{HOSTS_ANNOTATION, USABLE_LABEL};

    use super::*;

    fn live(shared: bool, hosts: &str) -> Live {
        let labels = if shared {
            BTreeMap::from([(USABLE_LABEL.to_owned(), "true".to_owned())])
        } else {
            BTreeMap::new()
        };
        let secret = SharedSecret {
            labels,
            annotations: BTreeMap::from([(HOSTS_ANNOTATION.to_owned(), hosts.to_owned())]),
            data: BTreeMap::from([("token".to_owned(), "s3cret".to_owned())]),
        };
        Live { secrets: BTreeMap::from([("crm".to_owned(), secret)]), ..Live::default() }
    }

    fn connection() -> ConnectionSpec {
        let authentication = serde_json::json!({ "scheme": "Bearer", "secretRef": { "name": "crm" } });
        let http = serde_json::json!({ "url": "https://api.example.com:8443/v1/", "authentication": authentication });
        serde_json::from_value(serde_json::json!({ "http": http })).unwrap()
    }

    #[test]
    fn a_secret_goes_only_to_hosts_its_owner_listed() {
        let cases = [
            (live(true, "api.example.com"), true),
            (live(true, "other.example.com, api.example.com"), true),
            (live(true, "*.example.com"), true),
            (live(true, "example.com"), false),
            (live(true, ""), false),
            (live(false, "api.example.com"), false),
            (Live::default(), false),
        ];
        for (live, allowed) in cases {
            let tenant = serde_json::from_value(
                serde_json::json!({ "name": "acme", "issuer": "https://acme.example" }),
            );
            assert_eq!(live.connection(&connection(), &tenant.unwrap()).is_ok(), allowed, "{live:?}");
        }
    }

    #[test]
    fn l_1_a_snapshot_does_not_show_its_secrets() {
        assert!(!format!("{:?}", live(true, "x")).contains("s3cret"));
    }
}

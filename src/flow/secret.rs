//! Whether a Secret may be used, and sent to whom. Lint, operator and executor ask here, so that an object that is
//! Ready works and one that does not work is not Ready.
//!
//! A Secret is used only if its owner shared it by the label `idflow.dev/usable: "true"`, and sent only to hosts that
//! its annotation `idflow.dev/hosts` lists: names or addresses without a port, separated by commas, `*.example.com`
//! for every name below.

use std::collections::{BTreeMap, BTreeSet};

use idflow_api::connection::HttpScheme;
use idflow_api::workload::KEYS_SECRET;
use idflow_api::{ConnectionSpec, HOSTS_ANNOTATION, OIDCClientSpec, USABLE_LABEL};
use idflow_core::host;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use url::{Host, Url};

use crate::diagnostic::{ObjectId, Place};

/// What may be known of a Secret: everything but its values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretFacts {
    /// Whether its owner shared it.
    pub usable: bool,
    /// The hosts it may be sent to.
    pub hosts: Vec<String>,
    /// Its entries that have a value.
    pub entries: Vec<Entry>,
    /// Whether this is the encrypted form of a repository, which something decrypts before it is applied: then nothing is
    /// known of the values.
    pub sealed: bool,
}

/// What may be known of an entry of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What is wrong with its value.
    pub flaws: Vec<Flaw>,
}

/// What can be wrong with a secret value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It ends in a line break, which whoever types it or reads it from a variable does not have.
    LineBreak,
    /// It has fewer than 16 characters.
    Short,
    /// It is the ciphertext of SOPS: a program that never decrypted it would take as secret what stands in a repository.
    Ciphertext,
}

impl Entry {
    /// Looks at a value; nothing where it is empty.
    pub fn read(name: &str, value: &[u8]) -> Option<Self> {
        let flaws = [
            (Flaw::LineBreak, value.ends_with(b"\n") || value.ends_with(b"\r")),
            (Flaw::Short, value.trim_ascii().len() < SHORTEST),
            (Flaw::Ciphertext, value.trim_ascii_start().starts_with(b"ENC[AES256_GCM,")),
        ];
        let flaws = flaws.into_iter().filter_map(|(flaw, has)| has.then_some(flaw)).collect();
        (!value.is_empty()).then(|| Self { name: name.to_owned(), flaws })
    }
}

/// The fewest characters of a client's secret: fewer can be guessed.
const SHORTEST: usize = 16;

impl SecretFacts {
    /// The facts of a Secret with this metadata and these entries.
    pub fn new(metadata: &ObjectMeta, entries: Vec<Entry>) -> Self {
        let none = BTreeMap::new();
        let (labels, annotations) = (&metadata.labels, &metadata.annotations);
        Self::read(labels.as_ref().unwrap_or(&none), annotations.as_ref().unwrap_or(&none), entries)
    }

    /// The same of its labels and annotations.
    pub fn read(
        labels: &BTreeMap<String, String>,
        annotations: &BTreeMap<String, String>,
        entries: Vec<Entry>,
    ) -> Self {
        let hosts = annotations.get(HOSTS_ANNOTATION).map(String::as_str).unwrap_or_default();
        let hosts = hosts.split(',').map(str::trim).filter(|host| !host.is_empty());
        Self {
            usable: labels.get(USABLE_LABEL).is_some_and(|value| value == "true"),
            hosts: hosts.map(str::to_owned).collect(),
            entries,
            sealed: false,
        }
    }

    /// Everything that stands against a use.
    pub fn problems(&self, wanted: &SecretUse<'_>) -> Vec<SecretProblem> {
        let name = wanted.name;
        let mut problems = Vec::new();
        if name == KEYS_SECRET {
            problems.push(SecretProblem::Reserved { name: name.to_owned() });
        }
        if !self.usable {
            problems.push(SecretProblem::NotShared { name: name.to_owned() });
        }
        if let Some(host) = wanted.host.as_ref().filter(|host| !self.may_go_to(host)) {
            problems.push(SecretProblem::NotForHost { name: name.to_owned(), host: host.clone() });
        }
        let missing = wanted.entries.iter().filter(|entry| self.entry(entry).is_none());
        problems.extend(missing.map(|entry| SecretProblem::NoEntry { name: name.to_owned(), entry }));
        let flaws = self.flaws(wanted).filter(|(_, flaw)| *flaw == Flaw::Ciphertext && !self.sealed);
        problems.extend(flaws.map(|(entry, _)| SecretProblem::Ciphertext { name: name.to_owned(), entry }));
        problems
    }

    /// What is doubtful about the entries of a use, although they can be used.
    pub fn doubts(&self, wanted: &SecretUse<'_>) -> Vec<SecretDoubt> {
        let is_doubt = |flaw: Flaw| match flaw {
            Flaw::LineBreak => !self.sealed,
            // What an outside system wants to hear is not for its user to choose.
            Flaw::Short => !self.sealed && wanted.host.is_none(),
            Flaw::Ciphertext => self.sealed,
        };
        let doubts = self.flaws(wanted).filter(|(_, flaw)| is_doubt(*flaw));
        doubts.map(|(entry, flaw)| SecretDoubt { name: wanted.name.to_owned(), entry, flaw }).collect()
    }

    fn flaws(&self, wanted: &SecretUse<'_>) -> impl Iterator<Item = (&'static str, Flaw)> {
        let used = wanted.entries.iter().chain(wanted.optional);
        used.flat_map(|name| {
            self.entry(name).into_iter().flat_map(move |entry| entry.flaws.iter().map(|flaw| (*name, *flaw)))
        })
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    fn may_go_to(&self, host: &str) -> bool {
        self.hosts.iter().any(|entry| host::covers(&ascii(entry), host))
    }
}

/// Names of the Secrets that these objects use. The tenant's own keys are never among them (design 8).
pub fn names<'a>(
    connections: impl IntoIterator<Item = &'a ConnectionSpec>,
    clients: impl IntoIterator<Item = &'a OIDCClientSpec>,
) -> BTreeSet<&'a str> {
    let of_connections = connections.into_iter().filter_map(SecretUse::of_connection);
    let of_clients = clients.into_iter().filter_map(SecretUse::of_client);
    let names = of_connections.chain(of_clients).map(|wanted| wanted.name);
    names.filter(|name| *name != KEYS_SECRET).collect()
}

/// The use that an object makes of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse<'a> {
    /// The Secret's name.
    pub name: &'a str,
    /// Where the object names it, as a JSON pointer.
    pub field: &'static str,
    /// The host it is sent to; nothing for what stays here.
    pub host: Option<String>,
    /// The entries that are needed.
    pub entries: &'static [&'static str],
    /// The entries that are used if they are there.
    pub optional: &'static [&'static str],
}

impl<'a> SecretUse<'a> {
    /// The use that a connection makes, if it needs a Secret.
    pub fn of_connection(spec: &'a ConnectionSpec) -> Option<Self> {
        if let Some(smtp) = &spec.smtp {
            return Some(Self {
                name: &smtp.secret_ref.as_ref()?.name,
                field: "/spec/smtp/secretRef/name",
                host: Some(ascii(&smtp.host)),
                entries: &["username", "password"],
                optional: &[],
            });
        }
        let http = spec.http.as_ref()?;
        let authentication = http.authentication.as_ref()?;
        Some(Self {
            name: &authentication.secret_ref.name,
            field: "/spec/http/authentication/secretRef/name",
            host: Some(host_of(&http.url)),
            entries: match authentication.scheme {
                HttpScheme::Bearer => &["token"],
                HttpScheme::Basic => &["username", "password"],
            },
            optional: &[],
        })
    }

    /// The use that a client makes, if it has a secret. It is compared here and sent to nobody.
    pub fn of_client(spec: &'a OIDCClientSpec) -> Option<Self> {
        let name = &spec.secret_ref.as_ref()?.name;
        let (field, entries, optional) = ("/spec/secretRef/name", &["current"], &["previous"]);
        Some(Self { name, field, host: None, entries, optional })
    }
}

/// Why a Secret may not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    /// It holds the tenant's own keys, whatever its labels say.
    #[error("the Secret {name} holds the keys of this tenant")]
    Reserved {
        /// Its name.
        name: String,
    },
    /// Its owner has not shared it.
    #[error("the Secret {name} is not shared")]
    NotShared {
        /// Its name.
        name: String,
    },
    /// Its owner has not listed the host.
    #[error("the Secret {name} may not be sent to {host}")]
    NotForHost {
        /// Its name.
        name: String,
        /// The host.
        host: String,
    },
    /// It lacks an entry, or the entry has no value.
    #[error("the Secret {name} has no entry {entry}")]
    NoEntry {
        /// Its name.
        name: String,
        /// The entry.
        entry: &'static str,
    },
    /// It was never decrypted.
    #[error(
        "the entry {entry} of the Secret {name} is ciphertext of SOPS, which whoever can read the repository knows"
    )]
    Ciphertext {
        /// Its name.
        name: String,
        /// The entry.
        entry: &'static str,
    },
}

/// What is doubtful about an entry of a Secret that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretDoubt {
    name: String,
    entry: &'static str,
    /// What it is.
    pub flaw: Flaw,
}

impl std::fmt::Display for SecretDoubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.flaw {
            Flaw::LineBreak => "ends in a line break",
            Flaw::Short => "has fewer than 16 characters",
            Flaw::Ciphertext => "is encrypted here",
        };
        write!(f, "the entry {} of the Secret {} {what}", self.entry, self.name)
    }
}

impl SecretDoubt {
    /// The entry, where the Secret's manifest has it in words.
    pub fn place(&self) -> Place {
        ObjectId::new("Secret", &self.name).at(format!("/stringData/{}", self.entry))
    }

    /// What its owner does about it.
    pub const fn help(&self) -> &'static str {
        match self.flaw {
            Flaw::LineBreak => {
                "write it without one, for example by printf instead of echo, or `|-` instead of `|`"
            }
            Flaw::Short => "take at least 16 random characters, for example of openssl rand -base64 24",
            Flaw::Ciphertext => {
                "see to it that it is decrypted before it is applied, as Flux does and plain Argo CD does not"
            }
        }
    }
}

impl SecretProblem {
    /// What its owner does about it.
    pub fn help(&self) -> String {
        match self {
            Self::Reserved { .. } => "name another Secret".to_owned(),
            Self::NotShared { .. } => format!("add the label {USABLE_LABEL}: \"true\" to it"),
            Self::NotForHost { host, .. } => format!("add {host} to its annotation {HOSTS_ANNOTATION}"),
            Self::NoEntry { entry, .. } => format!("add {entry} to it"),
            Self::Ciphertext { .. } => "let sops decrypt the manifest before it is applied".to_owned(),
        }
    }
}

/// The host that a call of this address goes to, by the rules of whoever makes the call: what merely looks like a
/// part of the host to us must not decide. What is no address goes nowhere, and no Secret may go there.
fn host_of(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// A host in the form that is dialled: international names in ASCII.
fn ascii(host: &str) -> String {
    Host::parse(host).map_or_else(|_| host.to_owned(), |host| host.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn may_go(hosts: &str, url: &str) -> bool {
        let spec = json!({ "http": {
            "url": url, "authentication": { "scheme": "Bearer", "secretRef": { "name": "s" } },
        } });
        let spec: ConnectionSpec = serde_json::from_value(spec).unwrap();
        let labels = BTreeMap::from([(USABLE_LABEL.to_owned(), "true".to_owned())]);
        let annotations = BTreeMap::from([(HOSTS_ANNOTATION.to_owned(), hosts.to_owned())]);
        let facts =
            SecretFacts::read(&labels, &annotations, Entry::read("token", b"x").into_iter().collect());
        facts.problems(&SecretUse::of_connection(&spec).unwrap()).is_empty()
    }

    #[test]
    fn a_secret_goes_where_its_owner_says() {
        let rows = [
            ("api.example.com", "https://api.example.com/v1", true),
            ("api.example.com", "https://API.example.com:8443", true),
            ("API.Example.com.", "https://api.example.com./", true),
            ("a.example, api.example.com,b.example", "https://api.example.com", true),
            (" api.example.com ", "https://api.example.com", true),
            ("*.example.com", "https://api.example.com", true),
            ("*.example.com", "https://a.b.example.com", true),
            ("*.example.com", "https://example.com", false),
            ("*.xample.com", "https://api.example.com", false),
            ("bücher.example", "https://bücher.example", true),
            ("xn--bcher-kva.example", "https://BÜCHER.example", true),
            ("*.bücher.example", "https://api.xn--bcher-kva.example", true),
            ("192.0.2.1", "https://192.0.2.1:8443", true),
            ("*.0.2.1", "https://192.0.2.1", false),
            ("2001:db8::1", "https://[2001:DB8::1]:8443/", true),
            ("[2001:db8::1]", "https://[2001:db8:0::1]", true),
            ("", "https://api.example.com", false),
            (",", "https://api.example.com", false),
            ("*", "https://api.example.com", false),
            ("api.example.com:8443", "https://api.example.com:8443", false),
            ("a.example api.example.com", "https://api.example.com", false),
            ("api.example.com", "https://evil.test/api.example.com", false),
            ("api.example.com", "https://api.example.com.evil.test/", false),
            ("*.example.com", "https://evil.test\\.example.com/", false),
            ("*.example.com", "https://evil.test?.example.com", false),
            ("*.example.com", "no address", false),
            ("no address", "no address", false),
        ];
        for (hosts, url, allowed) in rows {
            assert_eq!(may_go(hosts, url), allowed, "{hosts:?} {url:?}");
        }
    }

    #[test]
    fn the_keys_of_a_tenant_are_nobodys_secret_whatever_their_labels_say() {
        let facts = client_secret("a secret of more than 16 characters");
        let named = |name| SecretUse { name, ..of_client() };
        assert_eq!(facts.problems(&named("app")), []);
        assert_eq!(
            facts.problems(&named(KEYS_SECRET)),
            [SecretProblem::Reserved { name: KEYS_SECRET.to_owned() }]
        );
    }

    fn client_secret(value: &str) -> SecretFacts {
        let entries = Entry::read("current", value.as_bytes()).into_iter().collect();
        SecretFacts { usable: true, entries, ..SecretFacts::default() }
    }

    fn of_client() -> SecretUse<'static> {
        SecretUse { name: "app", field: "", host: None, entries: &["current"], optional: &["previous"] }
    }

    #[test]
    fn a_secret_that_is_not_what_its_owner_thinks_is_told() {
        let rows: [(&str, &[Flaw], bool); 7] = [
            ("0123456789abcdef", &[], true),
            ("0123456789abcde", &[Flaw::Short], true),
            ("0123456789abcdef\n", &[Flaw::LineBreak], true),
            ("0123456789abcde\r\n", &[Flaw::LineBreak, Flaw::Short], true),
            ("with ENC[AES256_GCM, inside", &[], true),
            ("ENC[AES256_GCM,data:p673w==,iv:YY=,tag:UQ=,type:str]", &[], false),
            ("", &[], false),
        ];
        for (value, doubts, usable) in rows {
            let facts = client_secret(value);
            let told: Vec<Flaw> = facts.doubts(&of_client()).iter().map(|doubt| doubt.flaw).collect();
            assert_eq!(
                (told.as_slice(), facts.problems(&of_client()).is_empty()),
                (doubts, usable),
                "{value:?}"
            );
        }
        let sealed = SecretFacts { sealed: true, ..client_secret("ENC[AES256_GCM,data:p673w==]") };
        assert_eq!((sealed.problems(&of_client()), sealed.doubts(&of_client()).len()), (Vec::new(), 1));
        let outside = SecretUse { host: Some("mail.example".to_owned()), ..of_client() };
        assert!(
            client_secret("short").doubts(&outside).is_empty(),
            "another system's secrets are not ours to judge"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_secret_goes_to_a_host_that_is_not_dialled(
            // Pieces that parsers are known to disagree about.
            parts in proptest::collection::vec("(evil\\.test|\\.?good\\.example|[/\\\\?#:@%.*\\[\\] ]|8443|[a-z])", 0..7),
        ) {
            let url = format!("https://{}", parts.concat());
            if may_go("good.example,*.good.example", &url) {
                let dialled = Url::parse(&url).unwrap();
                let host = dialled.host_str().unwrap().trim_end_matches('.');
                proptest::prop_assert!(host == "good.example" || host.ends_with(".good.example"), "{}", url);
            }
        }
    }

    #[test]
    fn the_tenants_keys_are_no_secret_that_an_object_may_bring_to_the_executor() {
        let smtp = |secret: &str| -> ConnectionSpec {
            let smtp = json!({ "host": "mail.acme.example", "from": "a@acme.example", "secretRef": { "name": secret } });
            serde_json::from_value(json!({ "smtp": smtp })).unwrap()
        };
        assert_eq!(names(&[smtp(KEYS_SECRET), smtp("relay")], &[]), BTreeSet::from(["relay"]));
    }
}

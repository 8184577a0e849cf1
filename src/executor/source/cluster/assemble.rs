//! From the objects of a namespace to a [`Snapshot`]. Pure.

use std::collections::{BTreeMap, BTreeSet};

use idflow_api::CatalogSpec;
use idflow_api::catalog::CatalogFlow;
use idflow_api::connection::ConnectionSpec;
use idflow_api::flow_revision::FlowRevisionSpec;
use idflow_api::oidc_client::OIDCClientSpec;
use idflow_core::digest::Digest;
use idflow_flow::secret;
use k8s_openapi::api::core::v1::Secret;

use crate::revisions::Facts;
use crate::source::Snapshot;
use crate::source::by_kind::{Aged, AgedObjects};
use crate::source::shared_secret::SharedSecret;

/// A revision without its content.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) digest: Digest,
    pub(super) facts: Facts,
    /// Whether its content is not what the digest stands for.
    pub(super) is_damaged: bool,
}

impl Told {
    pub(super) fn of(spec: &FlowRevisionSpec) -> Option<Self> {
        let digest = spec.digest.parse().ok()?;
        Some(Self { digest, facts: Facts::of(spec), is_damaged: Digest::of(&spec.content) != digest })
    }
}

/// The objects of a namespace by name.
pub(super) struct Objects {
    pub(super) generation: i64,
    pub(super) catalog: CatalogSpec,
    pub(super) revisions: BTreeMap<String, Told>,
    /// Contents that are not loaded yet.
    pub(super) contents: BTreeMap<Digest, String>,
    pub(super) live: AgedObjects,
    pub(super) secrets: BTreeMap<String, SharedSecret>,
}

/// What to serve of the objects.
pub(super) fn assemble(objects: Objects) -> Snapshot {
    let CatalogSpec { tenant, flows, withdrawn } = objects.catalog;
    let is_damaged = |(_, told): &(&String, &Told)| told.is_damaged;
    let damaged = objects.revisions.iter().filter(is_damaged).map(|(name, _)| name.clone()).collect();
    Snapshot {
        catalog: objects.generation,
        tenant,
        withdrawn: withdrawn.iter().filter_map(|digest| digest.parse().ok()).collect(),
        contents: objects.contents,
        facts: facts(&flows, objects.revisions),
        damaged,
        flows,
        live: objects.live.settled(objects.secrets),
    }
}

/// What revisions say of themselves, by digest. Of two that have one content, the one that the Catalog names counts.
fn facts(flows: &[CatalogFlow], revisions: BTreeMap<String, Told>) -> BTreeMap<Digest, Facts> {
    let entries = flows.iter().flat_map(|flow| &flow.entries);
    let named: BTreeSet<&str> = entries.map(|entry| entry.revision.as_str()).collect();
    let sound = revisions.into_iter().filter(|(_, told)| !told.is_damaged);
    let (named, others): (Vec<_>, Vec<_>) = sound.partition(|(name, _)| named.contains(name.as_str()));
    others.into_iter().chain(named).map(|(_, told)| (told.digest, told.facts)).collect()
}

/// Names of the Secrets that the objects name.
pub(super) fn secret_names(
    connections: &BTreeMap<String, Aged<ConnectionSpec>>,
    clients: &BTreeMap<String, Aged<OIDCClientSpec>>,
) -> BTreeSet<String> {
    let connections = connections.values().map(|connection| &connection.spec);
    let named = secret::names(connections, clients.values().map(|client| &client.spec));
    named.into_iter().map(str::to_owned).collect()
}

/// A Secret as it is kept: entries that are no text are left out.
pub(super) fn shared(secret: Secret) -> SharedSecret {
    let entries = secret.data.into_iter().flatten();
    SharedSecret {
        labels: secret.metadata.labels.unwrap_or_default(),
        annotations: secret.metadata.annotations.unwrap_or_default(),
        data: entries.filter_map(|(key, value)| Some((key, String::from_utf8(value.0).ok()?))).collect(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use idflow_api::flow::Assurance;
    use idflow_api::{Connection, OIDCClient, Theme};
    use idflow_core::time::Timestamp;
    use serde_json::{Value, json};

    use super::*;

    fn object<K: serde::de::DeserializeOwned>(kind: &str, name: &str, spec: &Value) -> K {
        let metadata = json!({ "name": name, "creationTimestamp": "2026-01-02T03:04:05Z" });
        let object = json!({
            "apiVersion": "idflow.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec,
        });
        serde_json::from_value(object).unwrap()
    }

    fn client(created: i64, spec: &Value) -> Aged<OIDCClientSpec> {
        Aged { created: Some(Timestamp(created)), spec: object::<OIDCClient>("OIDCClient", "x", spec).spec }
    }

    fn connection(spec: &Value) -> Aged<ConnectionSpec> {
        Aged { created: None, spec: object::<Connection>("Connection", "x", spec).spec }
    }

    fn theme(created: i64) -> Aged<idflow_api::ThemeSpec> {
        Aged {
            created: Some(Timestamp(created)),
            spec: object::<Theme>("Theme", "x", &json!({ "default": true })).spec,
        }
    }

    fn named<T>(objects: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
        objects.into_iter().map(|(name, object)| (name.to_owned(), object)).collect()
    }

    fn told(digest: Digest, factors: &[&str]) -> Told {
        let factors = factors.iter().map(|factor| (*factor).to_owned()).collect();
        let end = Assurance {
            step: "done".to_owned(),
            identified: true,
            guest: false,
            factors,
            minimum_factors: None,
        };
        Told { digest, facts: Facts { requires: None, assurance: Some(vec![end]) }, is_damaged: false }
    }

    #[test]
    fn what_a_damaged_revision_says_counts_for_nothing_and_a_namesake_no_more_than_the_one_that_is_listed() {
        let digest = Digest::of("content");
        let forged = Told { is_damaged: true, ..told(digest, &["pwd", "otp"]) };
        let revisions = named([
            ("aaa-copy", told(digest, &["pwd", "otp"])),
            ("sign-in-g1-aaaaaaaa", told(digest, &["pwd"])),
            ("zzz-copy", told(digest, &["pwd", "otp"])),
            ("zzz-forged", forged),
        ]);
        let snapshot = assemble(Objects { revisions, ..objects() });
        assert_eq!(snapshot.facts, BTreeMap::from([(digest, told(digest, &["pwd"]).facts)]));
        assert_eq!(snapshot.damaged, BTreeSet::from(["zzz-forged".to_owned()]));
    }

    pub(in crate::source::cluster) fn objects() -> Objects {
        let digest = Digest::of("content");
        let catalog = json!({
            "tenant": { "name": "acme", "issuer": "https://acme.example" },
            "flows": [{ "flow": "sign-in", "type": "Login", "entries": [
                { "revision": "sign-in-g1-aaaaaaaa", "digest": digest.to_string(), "weight": 100 },
            ] }],
            "withdrawn": [Digest::of("bad").to_string(), "no digest"],
        });
        let secret = json!({
            "metadata": { "name": "app", "labels": { "idflow.dev/usable": "true" } },
            "data": { "current": "czNjcmV0", "binary": "/w==" },
        });
        Objects {
            generation: 7,
            catalog: serde_json::from_value(catalog).unwrap(),
            revisions: named([("sign-in-g1-aaaaaaaa", told(digest, &["pwd"]))]),
            contents: BTreeMap::from([(digest, "content".to_owned())]),
            live: AgedObjects {
                connections: named([(
                    "mail",
                    connection(&json!({ "smtp": { "host": "h", "from": "a@b.example" } })),
                )]),
                directories: BTreeMap::new(),
                clients: named([("app", client(1, &confidential("app")))]),
                themes: named([("brand", theme(1))]),
            },
            secrets: named([("app", shared(serde_json::from_value(secret).unwrap()))]),
        }
    }

    fn confidential(secret: &str) -> Value {
        json!({
            "redirectURIs": ["https://app.example/done"], "authentication": "ClientSecretBasic",
            "secretRef": { "name": secret },
        })
    }

    #[test]
    fn a_snapshot_has_what_the_catalog_and_the_live_objects_say() {
        let snapshot = assemble(objects());
        assert_eq!((snapshot.catalog, snapshot.tenant.issuer.as_str()), (7, "https://acme.example"));
        assert_eq!(snapshot.flows[0].entries[0].digest, Digest::of("content").to_string());
        assert_eq!(snapshot.withdrawn, [Digest::of("bad")]);
        assert_eq!(snapshot.contents.into_keys().collect::<Vec<_>>(), [Digest::of("content")]);
        assert_eq!(snapshot.live.secrets["app"].data, BTreeMap::from([("current".into(), "s3cret".into())]));
        let (configuration, problems) = snapshot.live.configuration(&snapshot.tenant);
        assert_eq!(problems, [""; 0]);
        assert!(configuration.clients.contains_key("app") && configuration.connections.contains_key("mail"));
    }

    #[test]
    fn of_two_claims_on_one_thing_the_older_keeps_it() {
        let public = |id: &str| json!({ "redirectURIs": ["https://a.example/"], "authentication": "None", "clientId": id });
        let snapshot = assemble(Objects {
            live: AgedObjects {
                themes: named([("a", theme(3)), ("b", theme(1)), ("c", theme(2))]),
                clients: named([
                    ("a", client(2, &public("shop"))),
                    ("b", client(1, &public("shop"))),
                    ("c", client(3, &public("other"))),
                    ("other", client(3, &confidential("x"))),
                ]),
                ..AgedObjects::default()
            },
            ..objects()
        });
        let defaults = snapshot.live.themes.iter().filter(|(_, theme)| theme.default);
        assert_eq!(defaults.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(snapshot.live.clients.into_keys().collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn every_secret_that_is_named_is_read_and_the_keys_of_the_tenant_are_not() {
        let http = |name: &str| {
            let authentication = json!({ "scheme": "Bearer", "secretRef": { "name": name } });
            connection(&json!({ "http": { "url": "https://a.example", "authentication": authentication } }))
        };
        let smtp = json!({ "host": "h", "from": "a@b.example", "secretRef": { "name": "relay" } });
        let connections = named([
            ("a", http("crm")),
            ("b", http("idflow-keys")),
            ("c", connection(&json!({ "smtp": smtp }))),
        ]);
        let clients =
            named([("app", client(1, &confidential("app"))), ("x", client(1, &confidential("crm")))]);
        let names = secret_names(&connections, &clients);
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["app", "crm", "relay"]);
    }
}

//! A tenant's keys: made once, never again.
//!
//! Whoever loses the sealing key loses everything the store holds, and whoever changes the signing keys signs every
//! user out. So a key that is gone is never replaced: the status says `KeysMissing` until the backup is restored. One that
//! was changed by hand, with the earlier one still beside it, is taken (`docs/keys.md`).

use std::collections::BTreeMap;

use idflow_api::Tenant;
use idflow_api::tenant::{Deletion, KeyPurpose, KeyRecord};
use idflow_api::workload::{
    ADMIN_TOKEN, KEY_ES256, KEY_RS256, KEY_SEALING, KEY_SEALING_PREVIOUS, KEYS_SECRET, MANAGED_BY_LABEL,
    MANAGER, OTHER_KEYS, TENANT_LABEL,
};
use idflow_core::chance::{self, Chance};
use idflow_core::digest::Digest;
use idflow_core::secret::SecretText;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource as _;
use serde_json::{Value, json};

/// The annotation of a keys Secret with the issuer it was made for.
const ISSUER_ANNOTATION: &str = "idflow.dev/issuer";

/// The entries that are keys, with what they are for. The second port's token is none: it may be made anew.
const PURPOSES: [(&str, KeyPurpose); 3] =
    [(KEY_SEALING, KeyPurpose::Sealing), (KEY_ES256, KeyPurpose::ES256), (KEY_RS256, KeyPurpose::RS256)];

/// A pair of private keys, PKCS#8 in PEM form.
#[derive(Debug)]
pub struct SigningKeys {
    /// The P-256 key.
    pub es256: SecretText,
    /// The RSA key.
    pub rs256: SecretText,
}

/// A tenant's new keys.
#[derive(Debug)]
pub(crate) struct Keys {
    entries: BTreeMap<&'static str, SecretText>,
}

/// What was found out about a tenant's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There never were any.
    NeverMade,
    /// They are there and are the right ones.
    Present(Vec<KeyRecord>),
    /// They are gone, or others stand in their place.
    Missing(String),
}

impl Keys {
    /// New keys: the signing keys given, and a sealing key and a token of 256 random bits each.
    pub(crate) fn new(signing: SigningKeys, chance: &dyn Chance) -> Self {
        let SigningKeys { es256, rs256 } = signing;
        let random = || SecretText::new(chance::token(chance));
        let entries = BTreeMap::from([
            (KEY_ES256, es256),
            (KEY_RS256, rs256),
            (KEY_SEALING, random()),
            (ADMIN_TOKEN, random()),
        ]);
        Self { entries }
    }

    /// What the Tenant's status keeps of them.
    pub(crate) fn records(&self) -> Vec<KeyRecord> {
        let text = |entry: &str| self.entries.get(entry).map(|key| key.expose_for("fingerprint").as_bytes());
        PURPOSES.iter().filter_map(|(entry, purpose)| Some(record(entry, *purpose, text(entry)?))).collect()
    }

    /// The Secret that holds them. It has no owner: it outlives the Tenant, unless that says otherwise.
    pub(crate) fn manifest(&self, tenant: &Tenant) -> Secret {
        let bytes = |key: &SecretText| ByteString(key.expose_for("the keys Secret").as_bytes().to_vec());
        let data = self.entries.iter().map(|(entry, key)| ((*entry).to_owned(), bytes(key))).collect();
        Secret {
            metadata: metadata(tenant),
            type_: Some("Opaque".to_owned()),
            data: Some(data),
            ..Secret::default()
        }
    }
}

fn metadata(tenant: &Tenant) -> ObjectMeta {
    let name = tenant.metadata.name.clone().unwrap_or_default();
    let labels = [(MANAGED_BY_LABEL.to_owned(), MANAGER.to_owned()), (TENANT_LABEL.to_owned(), name)];
    ObjectMeta {
        name: Some(KEYS_SECRET.to_owned()),
        namespace: Some(tenant.spec.namespace.clone()),
        labels: Some(BTreeMap::from(labels)),
        annotations: Some(BTreeMap::from([(ISSUER_ANNOTATION.to_owned(), tenant.spec.issuer.clone())])),
        ..ObjectMeta::default()
    }
}

/// The ownership of the keys Secret that `spec.deletion` asks for: the Tenant's only when they are to go with it.
pub(crate) fn ownership(tenant: &Tenant) -> Value {
    let mut metadata = json!(metadata(tenant));
    if tenant.spec.deletion == Some(Deletion::Delete) {
        metadata["ownerReferences"] = json!([tenant.controller_owner_ref(&())]);
    }
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata })
}

/// Compares the Secret with what the Tenant's status recorded. Without a record (the Tenant is new, or was restored
/// without status) a Secret that was made for this tenant and issuer counts.
pub(crate) fn judge(tenant: &Tenant, recorded: &[KeyRecord], existing: Option<&Secret>) -> Verdict {
    let Some(secret) = existing else {
        if recorded.is_empty() {
            return Verdict::NeverMade;
        }
        return Verdict::Missing(format!(
            "Secret {KEYS_SECRET} is gone; restore it from the backup: keys are never made a second time"
        ));
    };
    let found = found(secret);
    if found.len() < PURPOSES.len() {
        let missing =
            PURPOSES.iter().find(|(_, purpose)| !found.iter().any(|record| record.purpose == *purpose));
        let entry = missing.map_or("a key", |(entry, _)| entry);
        return Verdict::Missing(format!(
            "Secret {KEYS_SECRET} has no entry {entry}; restore it from the backup"
        ));
    }
    let is_foreign = if recorded.is_empty() {
        !was_made_for(secret, tenant)
    } else {
        let earlier = earlier(secret);
        recorded.iter().any(|record| !found.contains(record) && !earlier.contains(record))
    };
    if is_foreign {
        let message = "holds keys that were not made for this tenant; restore the right ones from the backup";
        return Verdict::Missing(format!("Secret {KEYS_SECRET} {message}"));
    }
    Verdict::Present(found)
}

fn found(secret: &Secret) -> Vec<KeyRecord> {
    let entry =
        |name: &str| secret.data.as_ref().and_then(|data| data.get(name)).filter(|text| !text.0.is_empty());
    PURPOSES.iter().filter_map(|(name, purpose)| Some(record(name, *purpose, &entry(name)?.0))).collect()
}

/// The keys that were the current ones before and still stand beside them: a key that was changed is not a lost one.
fn earlier(secret: &Secret) -> Vec<KeyRecord> {
    let [_, (es256, rs256)] = OTHER_KEYS;
    let previous = [KEY_SEALING_PREVIOUS, es256, rs256];
    let data = secret.data.as_ref();
    let kept = PURPOSES
        .iter()
        .zip(previous)
        .filter_map(|((entry, purpose), previous)| Some(record(entry, *purpose, &data?.get(previous)?.0)));
    kept.collect()
}

fn record(entry: &str, purpose: KeyPurpose, key: &[u8]) -> KeyRecord {
    KeyRecord { id: Digest::of_parts(&[b"idflow.dev/key", entry.as_bytes(), key]).short(16), purpose }
}

fn was_made_for(secret: &Secret, tenant: &Tenant) -> bool {
    let label = secret.metadata.labels.as_ref().and_then(|labels| labels.get(TENANT_LABEL));
    let issuer =
        secret.metadata.annotations.as_ref().and_then(|annotations| annotations.get(ISSUER_ANNOTATION));
    label == tenant.metadata.name.as_ref() && issuer == Some(&tenant.spec.issuer)
}

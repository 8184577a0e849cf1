//! The objects of one namespace: from a folder or from the cluster, so that both go through the same code.

use std::collections::BTreeMap;
use std::sync::Arc;

use idflow_api::claim::{Claim, Claimant, Claims, Holders};
use idflow_api::condition::timestamp;
use idflow_api::flow_revision::Source;
use idflow_api::{Directory, FlowType, ResourceKind};
use idflow_core::Value;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;

use crate::diagnostic::{Finding, ObjectId, Place, Rule, Severity};
use crate::pinned::Texts;
use crate::secret::{Entry, SecretFacts};
use crate::source::Object;

pub(crate) static DUPLICATE_OBJECT: Rule = Rule {
    code: "duplicate-object",
    severity: Severity::Error,
    why: "Which of the two would count depends on the order in which they are applied",
};
pub(crate) static UNREADABLE: Rule = Rule {
    code: "invalid-object",
    severity: Severity::Error,
    why: "The API server refuses an object that does not match the schema of its kind",
};

macro_rules! objects {
    (
        source { $($Source:ident $sources:ident),+ }
        live { $($Live:ident $lives:ident),+ }
        product { $($Product:ident $products:ident),+ }
    ) => {
        /// The objects of one namespace, by name.
        #[derive(Debug, Clone, Default)]
        pub struct Objects {
            $(#[doc = concat!("Every `", stringify!($Source), "`.")]
            pub $sources: BTreeMap<String, Arc<idflow_api::$Source>>,)+
            $(#[doc = concat!("Every `", stringify!($Live), "`.")]
            pub $lives: BTreeMap<String, Arc<idflow_api::$Live>>,)+
            /// `ConfigMap`s, for texts.
            pub config_maps: BTreeMap<String, Arc<ConfigMap>>,
            /// What may be known of Secrets.
            pub secrets: BTreeMap<String, SecretFacts>,
        }

        impl Objects {
            /// Objects that claim what an older one has.
            pub(crate) fn rivals(&self) -> Vec<Rival> {
                let mut found = Vec::new();
                $(found.extend(denied(ResourceKind::$Source, claimants(&self.$sources, |one| (&one.metadata, &one.spec))));)+
                $(found.extend(denied(ResourceKind::$Live, claimants(&self.$lives, |one| (&one.metadata, &one.spec))));)+
                found
            }

            fn add(&mut self, kind: ResourceKind, object: &Object) -> Result<(), Box<Finding>> {
                match kind {
                    $(ResourceKind::$Source => add(&mut self.$sources, object),)+
                    $(ResourceKind::$Live => add(&mut self.$lives, object),)+
                    // What only the operator writes is in no file; the reader has said so.
                    $(ResourceKind::$Product)|+ => Ok(()),
                }
            }
        }
    };
}
idflow_api::custom_resources!(objects);

/// An object that claims what an older one has.
pub(crate) struct Rival {
    /// What both claim.
    pub(crate) claim: Claim,
    /// The younger one.
    pub(crate) object: ObjectId,
    /// The older one.
    pub(crate) holder: ObjectId,
}

fn denied<'a, S: Claims + 'a>(
    kind: ResourceKind,
    all: impl Iterator<Item = Claimant<'a, S>> + Clone,
) -> impl Iterator<Item = Rival> {
    let holders = Holders::among(all.clone());
    all.filter_map(move |one| {
        let (claim, holder) = holders.denied(&one)?;
        let id = |name: &str| ObjectId::new(kind.as_str(), name);
        Some(Rival { claim, object: id(one.name), holder: id(holder) })
    })
}

impl Objects {
    /// Adds an object of a file. A kind that is not known here is left out.
    pub fn insert(&mut self, object: &Object) -> Result<(), Box<Finding>> {
        match (ResourceKind::named(&object.kind), object.kind.as_str()) {
            (Some(kind), _) => self.add(kind, object),
            (None, "ConfigMap") => add(&mut self.config_maps, object),
            (None, "Secret") => self.add_secret(object),
            (None, _) => Ok(()),
        }
    }

    fn add_secret(&mut self, object: &Object) -> Result<(), Box<Finding>> {
        let metadata = object.value.get("metadata").cloned().unwrap_or_default();
        let metadata: ObjectMeta = serde_json::from_value(metadata).map_err(|_| unreadable(object))?;
        let members = [("data", false), ("stringData", true)].into_iter();
        let members =
            members.filter_map(|(part, is_plain)| Some((is_plain, object.value.get(part)?.as_object()?)));
        let entries = members.flat_map(|(is_plain, members)| {
            members.iter().filter_map(move |(name, value)| entry(name, value.as_str()?, is_plain))
        });
        let facts = SecretFacts::new(&metadata, entries.collect());
        let facts = SecretFacts { sealed: object.value.get("sops").is_some(), ..facts };
        if self.secrets.insert(object.name.clone(), facts).is_some() {
            return Err(duplicate(object));
        }
        Ok(())
    }

    /// The flow of a type when a client names none: the oldest that says so.
    pub fn default_flow(&self, type_: FlowType) -> Option<&str> {
        let flows = claimants(&self.flows, |one| (&one.metadata, &one.spec));
        Holders::among(flows).of(&Claim::DefaultFlow(type_))
    }

    /// The Directory of steps that name none: the oldest that says so.
    pub fn default_directory(&self) -> Option<&Arc<Directory>> {
        let claim = Claim::Default(ResourceKind::Directory);
        let holders = Holders::among(claimants(&self.directories, |one| (&one.metadata, &one.spec)));
        self.directories.get(holders.of(&claim)?)
    }
}

/// An entry of a Secret's manifest. What should be base64 and is not has a value all the same: the API server says so.
fn entry(name: &str, value: &str, is_plain: bool) -> Option<Entry> {
    let decoded = serde_json::from_value(value.into())
        .map_or_else(|_| value.as_bytes().to_vec(), |ByteString(bytes)| bytes);
    Entry::read(name, if is_plain { value.as_bytes() } else { &decoded })
}

/// Objects of a kind, with what decides which of two keeps what both claim.
pub(crate) fn claimants<'a, K, S: 'a>(
    objects: &'a BTreeMap<String, Arc<K>>,
    parts: fn(&K) -> (&ObjectMeta, &S),
) -> impl Iterator<Item = Claimant<'a, S>> + Clone {
    objects.iter().map(move |(name, object)| {
        let (metadata, spec) = parts(object);
        let created = metadata.creation_timestamp.as_ref().map(timestamp);
        Claimant { name, created, spec }
    })
}

fn add<T: DeserializeOwned>(map: &mut BTreeMap<String, Arc<T>>, object: &Object) -> Result<(), Box<Finding>> {
    if map.contains_key(&object.name) {
        return Err(duplicate(object));
    }
    let value: T = serde_json::from_value(object.value.clone()).map_err(|_| unreadable(object))?;
    map.insert(object.name.clone(), Arc::new(value));
    Ok(())
}

fn duplicate(object: &Object) -> Box<Finding> {
    let title = format!("there are two objects {}", object.id());
    Box::new(DUPLICATE_OBJECT.at(object.id().at("/metadata/name"), title, "rename or remove one of them"))
}

/// What the schema let through and the types do not: the words of the reader would mean nothing to an author.
fn unreadable(object: &Object) -> Box<Finding> {
    let title = format!("this {} has a field that cannot be read", object.kind);
    let help = format!("`kubectl explain {}` lists its fields", object.kind.to_lowercase());
    Box::new(UNREADABLE.at(object.id().at("/spec"), title, help))
}

/// Where content came from.
pub(crate) fn source(kind: &str, metadata: &ObjectMeta) -> Source {
    Source {
        kind: kind.to_owned(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone(),
        generation: metadata.generation,
    }
}

/// An entry of a `ConfigMap` that holds no texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedTexts {
    /// The `ConfigMap`.
    pub config_map: String,
    /// The key of the entry: a language.
    pub entry: String,
    /// What is wrong with it.
    pub why: String,
}

/// The texts of a `ConfigMap`: the key of an entry is the language, its value a YAML map of texts. The second part
/// is what holds none.
pub(crate) fn config_map_texts(map: &ConfigMap) -> (Texts, Vec<RefusedTexts>) {
    let mut texts = Texts::new();
    let mut refused = Vec::new();
    let refuse = |entry: &String, why| RefusedTexts {
        config_map: map.metadata.name.clone().unwrap_or_default(),
        entry: entry.clone(),
        why,
    };
    for (locale, yaml) in map.data.iter().flatten() {
        let (documents, findings) = crate::yaml::documents(locale, yaml);
        let members = documents.first().and_then(|document| document.value.as_object());
        let Some(members) = members.filter(|_| findings.is_empty() && documents.len() == 1) else {
            let why = findings.first().map_or_else(
                || "it is not one map of keys to texts".to_owned(),
                |finding| in_line(finding, yaml),
            );
            refused.push(refuse(locale, why));
            continue;
        };
        for (key, text) in members {
            match text {
                Value::String(text) => {
                    texts.entry(key.clone()).or_default().insert(locale.clone(), text.clone());
                }
                _ => refused.push(refuse(locale, format!("{key} is no text"))),
            }
        }
    }
    (texts, refused)
}

/// A finding about a text that is a value itself, with its line there.
fn in_line(finding: &Finding, text: &str) -> String {
    let Place::File { span, .. } = &finding.place else { return finding.title.clone() };
    let before = text.get(..span.start).unwrap_or(text);
    format!("in its line {}, {}", before.matches('\n').count() + 1, finding.title)
}

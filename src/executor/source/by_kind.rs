//! The live objects by kind, as the table of the custom resources says which those are.

use std::collections::BTreeMap;
use std::sync::Arc;

use idflow_api::claim::{Claimant, Claims, Holders};
use idflow_api::condition::timestamp;
use idflow_core::time::Timestamp;
use idflow_flow::Objects;
use idflow_flow::diagnostic::ObjectId;
use kube::Resource;
use kube::core::object::HasSpec;
use serde::{Deserialize, Serialize};

use crate::source::shared_secret::SharedSecret;

/// The spec of a kind.
pub(super) type SpecOf<K> = <K as HasSpec>::Spec;

/// The spec of an object, and when it was made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Aged<S> {
    pub(super) created: Option<Timestamp>,
    pub(super) spec: S,
}

impl<S: Clone> Aged<S> {
    pub(super) fn of(object: &(impl Resource + HasSpec<Spec = S>)) -> Self {
        let created = object.meta().creation_timestamp.as_ref().map(timestamp);
        Self { created, spec: object.spec().clone() }
    }
}

macro_rules! by_kind {
    (
        source { $($Source:ident $sources:ident),+ }
        live { $($Kind:ident $plural:ident),+ }
        product { $($Product:ident $products:ident),+ }
    ) => {
        /// Live objects by name.
        #[derive(Debug, Clone, Default, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct Live {
            $(#[doc = concat!("Every `", stringify!($Kind), "`.")]
            pub $plural: BTreeMap<String, SpecOf<idflow_api::$Kind>>,)+
            /// The Secrets that the objects above name, as far as they may be read.
            pub secrets: BTreeMap<String, SharedSecret>,
        }

        impl Live {
            /// Adds what `before` had and this lacks.
            pub fn keep(&mut self, before: &Self) {
                $(add(&mut self.$plural, &before.$plural);)+
                add(&mut self.secrets, &before.secrets);
            }

            /// Leaves out objects for which `stays` is false.
            pub fn retain(&mut self, stays: impl Fn(&ObjectId) -> bool) {
                $(self.$plural.retain(|name, _| stays(&ObjectId::new(stringify!($Kind), name)));)+
                self.secrets.retain(|name, _| stays(&ObjectId::new("Secret", name)));
            }

            /// Every object.
            pub fn objects(&self) -> impl Iterator<Item = ObjectId> + '_ {
                let secrets = self.secrets.keys().map(|name| ObjectId::new("Secret", name));
                secrets$(.chain(self.$plural.keys().map(|name| ObjectId::new(stringify!($Kind), name))))+
            }
        }

        /// Live objects by name, each with its age.
        #[derive(Debug, Clone, Default)]
        pub(super) struct AgedObjects {
            $(pub(super) $plural: BTreeMap<String, Aged<SpecOf<idflow_api::$Kind>>>,)+
        }

        impl AgedObjects {
            /// The objects of files, which all have one age.
            pub(super) fn of(objects: &Objects) -> Self {
                Self { $($plural: aged(&objects.$plural),)+ }
            }

            /// What counts of them: of two that claim one thing, the older keeps it.
            pub(super) fn settled(self, secrets: BTreeMap<String, SharedSecret>) -> Live {
                Live { $($plural: settled(&self.$plural),)+ secrets }
            }
        }
    };
}
idflow_api::custom_resources!(by_kind);

fn add<T: Clone>(now: &mut BTreeMap<String, T>, before: &BTreeMap<String, T>) {
    for (name, object) in before {
        now.entry(name.clone()).or_insert_with(|| object.clone());
    }
}

fn aged<K: Resource + HasSpec<Spec: Clone>>(
    objects: &BTreeMap<String, Arc<K>>,
) -> BTreeMap<String, Aged<SpecOf<K>>> {
    objects.iter().map(|(name, object)| (name.clone(), Aged::of(object.as_ref()))).collect()
}

fn settled<S: Claims + Clone>(all: &BTreeMap<String, Aged<S>>) -> BTreeMap<String, S> {
    let claimants =
        all.iter().map(|(name, object)| Claimant { name, created: object.created, spec: &object.spec });
    let holders = Holders::among(claimants.clone());
    let kept = claimants.filter_map(|one| {
        let spec = one.spec.clone();
        let spec = match holders.denied(&one) {
            Some((claim, _)) => spec.without(&claim)?,
            None => spec,
        };
        Some((one.name.to_owned(), spec))
    });
    kept.collect()
}

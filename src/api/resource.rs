//! The custom resources as values, so that a kind is a word of the compiler and not a string.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResourceExt as _, Resource};

/// What the file of a kind says about it beside its schema.
pub trait ResourceFacts: Resource<DynamicType = ()> {
    /// A small valid object as YAML.
    const SAMPLE: &'static str;

    /// Where the schema has steps, into which those of the node kinds are joined.
    const STEPS: Option<&'static str> = None;

    /// Members that are accepted under an old name too: JSON pointer in the schema, and the old name beside it.
    const OLD_NAMES: &'static [(&'static str, &'static str)] = &[];
}

/// Who writes a kind, and how executors come to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Users write it; executors see what the operator makes of it.
    Source,
    /// Users write it; executors follow it as it is.
    Live,
    /// Only the operator writes it; executors follow it.
    Product,
}

/// The kind of a type.
pub trait HasKind {
    /// The kind.
    const KIND: ResourceKind;
}

/// The word of the table for a role.
macro_rules! role {
    (source) => {
        Role::Source
    };
    (live) => {
        Role::Live
    };
    (product) => {
        Role::Product
    };
}

macro_rules! resource_kind {
    ($($role:ident { $($Kind:ident $plural:ident),+ })+) => {
        /// The kind of a custom resource.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ResourceKind {
            $($(#[doc = concat!("A [`", stringify!($Kind), "`](crate::", stringify!($Kind), ").")] $Kind,)+)+
        }

        impl ResourceKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$($(Self::$Kind,)+)+];

            /// Who writes it, and how executors come to know of it.
            pub const fn role(self) -> Role {
                match self {
                    $($(Self::$Kind)|+ => role!($role),)+
                }
            }

            /// The kind as manifests name it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$Kind => stringify!($Kind),)+)+
                }
            }

            /// The kind in addresses and role rules.
            pub fn plural(self) -> String {
                match self {
                    $($(Self::$Kind => crate::$Kind::plural(&()),)+)+
                }
                .into_owned()
            }

            /// A small valid object as YAML.
            pub const fn sample(self) -> &'static str {
                match self {
                    $($(Self::$Kind => crate::$Kind::SAMPLE,)+)+
                }
            }

            /// Where its schema has steps.
            pub const fn steps(self) -> Option<&'static str> {
                match self {
                    $($(Self::$Kind => crate::$Kind::STEPS,)+)+
                }
            }

            /// Members that are accepted under an old name too.
            pub const fn old_names(self) -> &'static [(&'static str, &'static str)] {
                match self {
                    $($(Self::$Kind => crate::$Kind::OLD_NAMES,)+)+
                }
            }

            /// Its schema as the types have it, with what documents each value.
            pub(crate) fn derived_schema(self) -> serde_json::Value {
                match self {
                    $($(Self::$Kind => schemars::schema_for!(crate::$Kind).to_value(),)+)+
                }
            }

            pub(crate) fn derived_crd(self) -> CustomResourceDefinition {
                match self {
                    $($(Self::$Kind => crate::$Kind::crd(),)+)+
                }
            }
        }

        $($(impl HasKind for crate::$Kind {
            const KIND: ResourceKind = ResourceKind::$Kind;
        })+)+
    };
}
custom_resources!(resource_kind);

impl ResourceKind {
    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// The kinds that users write.
    pub fn written_by_users() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|kind| kind.role() != Role::Product)
    }
}

impl std::fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_of_its_kind_and_is_read_by_its_type() {
        macro_rules! read_all {
            ($($role:ident { $($Kind:ident $plural:ident),+ })+) => {
                $($(
                    let read: crate::$Kind = serde_saphyr::from_str(crate::$Kind::SAMPLE).unwrap();
                    let object = serde_json::to_value(&read).unwrap();
                    assert_eq!(object["kind"], stringify!($Kind));
                )+)+
            };
        }
        custom_resources!(read_all);
    }

    #[test]
    fn a_kind_is_found_by_its_name_alone() {
        for kind in ResourceKind::ALL {
            assert_eq!(ResourceKind::named(kind.as_str()), Some(*kind));
        }
        assert_eq!(ResourceKind::named("flow"), None);
        assert_eq!(ResourceKind::OIDCClient.plural(), "oidcclients");
    }
}

//! `Directory`: where users live and what is known about them.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ResourceKind;
use crate::bounds::{Name, Text};
use crate::claim::{Claim, Claims};
use crate::flow::ReferencedStatus;
use crate::value_type::{self, ValueType};

/// Where users live: their attributes, what identifies them, the password policy.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "idflow.dev",
    version = "v1alpha1",
    kind = "Directory",
    namespaced,
    status = "ReferencedStatus",
    derive = "PartialEq",
    category = "idflow",
    shortname = "dir",
    doc = "Where users live: their attributes, which of them identify a user, and the password policy.",
    printcolumn(name = "Default", type_ = "boolean", json_path = ".spec.default"),
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
    validation = Rule::new("self.identifiers.all(name, self.attributes.exists(a, a.name == name && has(a.unique) && a.unique))")
        .message("every identifier is the name of an attribute with unique: true, or one name could mean two users")
        .field_path(".identifiers"),
    validation = Rule::new("self.identifiers.all(name, self.attributes.all(a, a.name != name || a.type in ['String', 'Email']))")
        .message("an identifier is what people type: an attribute of type String or Email")
        .field_path(".identifiers")
)]
pub struct DirectorySpec {
    /// Whether nodes that name no Directory use this one. Absent means false. If two Directories say so, the older
    /// one keeps it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Which system holds the users. Absent means idflow's own store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<DirectoryStore>,
    /// What is known about a user. Expressions read `user.<name>`.
    #[schemars(
        length(min = 1, max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub attributes: Vec<Attribute>,
    /// Names of attributes by which a user can be found at sign-in. Nobody can take for one of them what somebody else
    /// has for another, nor an address that they have not proven for a name that is no address.
    #[schemars(with = "Vec<Name>", length(min = 1, max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub identifiers: Vec<String>,
    /// What a new password must be like. Absent: the defaults of its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_policy: Option<PasswordPolicy>,
}

impl Claims for DirectorySpec {
    fn claims(&self, _: &str) -> Vec<Claim> {
        self.default.then_some(Claim::Default(ResourceKind::Directory)).into_iter().collect()
    }

    fn without(self, _: &Claim) -> Option<Self> {
        Some(Self { default: false, ..self })
    }
}

impl crate::ResourceFacts for Directory {
    const SAMPLE: &'static str = "
apiVersion: idflow.dev/v1alpha1
kind: Directory
metadata: { name: people }
spec:
  attributes:
    - { name: email, type: Email, unique: true }
    - { name: name, type: String }
  identifiers: [email]
";
}

/// The system that holds the users; at most one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryStore {
    /// idflow's own store. This is also what applies when no store is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnStore>,
}

/// idflow's own store has no settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnStore {}

/// One thing that is known about a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// Its name.
    #[schemars(with = "Name")]
    pub name: String,
    /// Its type. While a live revision uses the attribute, the type must not change.
    #[serde(rename = "type")]
    #[schemars(schema_with = "value_type::of_attribute")]
    pub type_: ValueType,
    /// What it means, for people. Absent: nothing is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<512>>")]
    pub description: Option<String>,
    /// Whether two users must never have the same value; upper and lower case count as the same. Absent means
    /// false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// Whether a user cannot be created without it. Absent means false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Who may see it. Absent means User and Administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2), extend("x-kubernetes-list-type" = "set"))]
    pub visible_to: Option<Vec<Role>>,
    /// Who may change it. Absent means Administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2), extend("x-kubernetes-list-type" = "set"))]
    pub editable_by: Option<Vec<Role>>,
}

/// Who looks at or changes an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Role {
    /// The user whose attribute it is.
    User,
    /// Somebody who administers users.
    Administrator,
}

/// What a new password must be like. There are no composition rules and no forced rotation, on purpose
/// (NIST SP 800-63B-4 3.1.1.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordPolicy {
    /// The fewest characters, counted as Unicode code points. Absent means 15; ask for fewer only where every sign-in
    /// asks for a second factor as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 8, max = 64))]
    pub minimum_length: Option<i32>,
    /// Words that a password must not consist of, beside the built-in list of common passwords and the user's own
    /// attributes; for example the name of the company. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Text<64>>", length(max = 200), extend("x-kubernetes-list-type" = "set"))]
    pub blocklist: Vec<String>,
}

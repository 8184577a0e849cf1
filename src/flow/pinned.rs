//! What a revision pins beside its steps: texts, and names and types of attributes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::ValueType;

/// Texts by key, then by locale (BCP 47).
pub type Texts = BTreeMap<String, BTreeMap<String, String>>;

/// The Directories that the steps of a revision use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directories {
    /// What is pinned of each, by name.
    pub by_name: BTreeMap<String, DirectoryContent>,
    /// The one of steps that name none.
    pub default: Option<String>,
}

/// What a revision pins of a `Directory`: names and types of its attributes. Everything else of it is live.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryContent {
    /// Attributes that identify a user, in the order they are tried.
    pub identifiers: Vec<String>,
    /// Attributes by name.
    pub attributes: BTreeMap<String, AttributeContent>,
}

/// What a revision pins of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeContent {
    /// Its type.
    #[serde(rename = "type")]
    pub value_type: ValueType,
    /// Whether no two users may share a value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// Whether every user must have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

//! Reading a node's settings strictly, with the place of a mistake.

use idflow_core::Value;
use idflow_flow::kinds::SettingsError;
use serde::de::DeserializeOwned;

/// Reads settings; a field that the kind does not have, or a value of another type, is an error.
pub fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, SettingsError> {
    T::deserialize(value).map_err(|error| SettingsError {
        pointer: String::new(),
        message: error.to_string(),
        help: "compare with `kubectl explain flow.spec.steps` or the reference of this node".to_owned(),
    })
}

/// A member's name as one segment of a JSON pointer (RFC 6901 section 3).
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

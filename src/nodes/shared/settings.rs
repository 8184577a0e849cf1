//! Reading a node's settings strictly, with the place of a mistake.

use std::collections::BTreeMap;

use idflow_core::{Data, Value};
use idflow_engine::bind::{BindError, Binder};
use idflow_engine::context::Cx;
use idflow_engine::turn::Fault;
use idflow_flow::kinds::{ExpressionUse, SettingsError, Sink, ValueType};
use idflow_sandbox::Expression;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A CEL expression as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Source(#[schemars(length(min = 1, max = 1024))] pub String);

/// A CEL expression for each name.
pub type Sources = BTreeMap<String, Source>;

/// The uses of named expressions below a setting, for example `/values`.
pub fn uses(setting: &str, sources: &Sources, sink: Sink) -> Vec<ExpressionUse> {
    let one = |(name, source): (&String, &Source)| ExpressionUse {
        pointer: format!("{setting}/{}", escaped(name)),
        source: source.0.clone(),
        expects: ValueType::Any,
        sink,
    };
    sources.iter().map(one).collect()
}

/// Named expressions, compiled.
pub struct Expressions(Vec<(String, Expression)>);

impl Expressions {
    /// Compiles named expressions.
    pub fn bind(sources: &Sources, binder: &Binder<'_>) -> Result<Self, BindError> {
        let one = |(name, source): (&String, &Source)| Ok((name.clone(), binder.expression(&source.0)?));
        sources.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// The value of each.
    pub fn evaluate(&self, cx: &Cx<'_>) -> Result<Data, Fault> {
        self.0.iter().map(|(name, expression)| Ok((name.clone(), cx.evaluate(expression)?))).collect()
    }
}

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

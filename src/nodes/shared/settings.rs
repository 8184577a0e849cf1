//! Reading a node's settings strictly, with the place of a mistake.

use std::collections::BTreeMap;

use idflow_core::{Data, Value};
use idflow_engine::context::Cx;
use idflow_engine::turn::Fault;
use idflow_flow::facts::{SettingsError, Sink};
use idflow_flow::plan::{Compiler, place};
use idflow_sandbox::{Expression, Type};
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

/// Named expressions, compiled.
#[derive(Debug)]
pub struct Expressions(Vec<(String, Expression)>);

impl Expressions {
    /// Compiles the named expressions of a setting, for example `/values`.
    pub fn compile(compiler: &mut Compiler<'_>, setting: &str, sources: &Sources, sink: Sink) -> Self {
        Self::compile_of(compiler, setting, sources, sink, |_| Type::Unknown)
    }

    /// The same where each must give a type.
    pub fn compile_of(
        compiler: &mut Compiler<'_>,
        setting: &str,
        sources: &Sources,
        sink: Sink,
        wanted: impl Fn(&str) -> Type,
    ) -> Self {
        let compile = |(name, source): (&String, &Source)| {
            let pointer = format!("{setting}/{}", escaped(name));
            (name.clone(), compiler.expression_of(pointer, &source.0, sink, &wanted(name)))
        };
        Self(sources.iter().map(compile).collect())
    }

    /// Each name with its expression.
    pub fn iter(&self) -> impl Iterator<Item = &(String, Expression)> {
        self.0.iter()
    }

    /// Each name with the place where its value stands before.
    pub fn places(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(name, expression)| (name.clone(), place(expression))).collect()
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
        help: "compare with `kubectl explain flow.spec.steps` or the kind's page in docs/nodes".to_owned(),
    })
}

/// A member's name as one segment of a JSON pointer (RFC 6901 section 3).
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

//! Expressions: compiled once behind the gate, evaluated many times under a budget.

mod budget;
mod convert;
mod evaluate;
mod foreign;
mod functions;
mod gate;
mod origins;
mod path;
mod references;
mod stack;
mod types;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use idflow_core::{Data, Value};

pub use budget::Budget;
pub use convert::MAX_RESULT;
pub use evaluate::EvaluationError;
pub use gate::{ExpressionError, MAX_DEPTH, MAX_SOURCE};
pub use references::Reference;
pub use types::{Checked, Type, TypeMismatch};

/// The names an expression can read from. A root that a journey does not have reads as an empty object, so that
/// `has(session.user)` is false instead of an error.
pub const ROOTS: [&str; 9] =
    ["form", "steps", "vars", "user", "session", "client", "flow", "request", "input"];

/// A compiled CEL expression. Cheap to clone.
#[derive(Clone)]
pub struct Expression(Arc<gate::Compiled>);

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source()).finish()
    }
}

/// Two are the same where their sources are.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Expression {}

impl Expression {
    /// Compiles an expression, refusing what could not be evaluated safely: more than [`MAX_SOURCE`] bytes, an
    /// operator tree deeper than [`MAX_DEPTH`], unknown functions, patterns that are not literal.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        gate::compile(source).map(|compiled| Self(Arc::new(compiled)))
    }

    /// Stands for a source that does not compile: reads nothing, and never gives a value.
    pub fn refused(source: &str) -> Self {
        Self(Arc::new(gate::Compiled::refused(source)))
    }

    /// What it was compiled from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Every path it reads, in the order of the source. One path may appear more than once.
    pub fn references(&self) -> &[Reference] {
        &self.0.references
    }

    /// The paths one of whose values it gives unchanged, whichever way it is evaluated; nothing when some value is
    /// computed, written in the source, or of unknown origin.
    pub fn origins(&self) -> Option<&[Vec<String>]> {
        self.0.origins.as_deref()
    }

    /// The functions it calls, sorted; macros such as `has` and `map`, and operators, are left out.
    pub fn functions(&self) -> &[String] {
        &self.0.functions
    }

    /// Tells the types of its parts over roots of these types (see [`ROOTS`]), and whether it gives what is wanted:
    /// [`Type::Unknown`] where anything will do.
    pub fn check(&self, roots: &BTreeMap<String, Type>, wanted: &Type) -> Checked {
        gate::check(&self.0, roots, wanted)
    }

    /// Evaluates it over the roots (see [`ROOTS`]). Only values on paths the expression reads are looked at.
    pub fn evaluate(&self, roots: &Data, budget: Budget) -> Result<Value, EvaluationError> {
        evaluate::evaluate(&self.0, roots, budget)
    }

    /// Evaluates a condition: anything but a boolean is [`EvaluationError::Mismatch`].
    pub fn holds(&self, roots: &Data, budget: Budget) -> Result<bool, EvaluationError> {
        match self.evaluate(roots, budget)? {
            Value::Bool(verdict) => Ok(verdict),
            other => Err(EvaluationError::Mismatch(format!(
                "a condition must give true or false, but this gives {}",
                convert::type_name(&other)
            ))),
        }
    }
}

#[cfg(test)]
mod tests;

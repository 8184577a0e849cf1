//! Evaluation: values in, one value or an error out. Errors never contain values, because they reach logs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cel::{Context, ExecutionError};
use idflow_core::{Data, Value};

use super::budget::{Budget, Meter};
use super::gate::{Body, Compiled, ENVIRONMENT, Program};
use super::stack::on_large_stack;
use super::{ROOTS, convert, path};

/// Why an expression gave no value. Never contains anything a visitor sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A field that is read does not exist.
    #[error("`{0}` has no value; test it with `has(…)` or read it with `?`")]
    Missing(String),
    /// A value has a type that an operator or function does not take.
    #[error("{0}")]
    Mismatch(String),
    /// The budget was used up.
    #[error("the expression did more work than its budget allows")]
    Budget,
    /// The result is larger than [`MAX_RESULT`](super::MAX_RESULT).
    #[error("the expression's result is too large")]
    TooLarge,
    /// Anything else: a division by zero, an overflow, a list index out of range.
    #[error("{0}")]
    Failed(String),
}

impl EvaluationError {
    pub(super) fn missing(field: &str) -> Self {
        Self::Missing(field.to_owned())
    }

    pub(super) fn no_field(field: &str, found: &str) -> Self {
        Self::Mismatch(format!("`{field}` was looked for in {found}, which has no fields"))
    }

    pub(super) fn failed(message: &str) -> Self {
        Self::Failed(message.to_owned())
    }

    /// Keeps names that stand in the source, and types; drops values.
    fn of(error: &ExecutionError, source: &str) -> Self {
        match error {
            ExecutionError::NoSuchKey(name) if source.contains(name.as_str()) => Self::missing(name),
            ExecutionError::NoSuchKey(_) => Self::failed("a map has no such key"),
            ExecutionError::UndeclaredReference(name) if source.contains(name.as_str()) => {
                Self::missing(name)
            }
            ExecutionError::NoSuchOverload(overload) => Self::Mismatch(overload.to_string()),
            ExecutionError::UnexpectedType { want, .. } => Self::Mismatch(format!("{want} was expected")),
            ExecutionError::UnsupportedBinaryOperator(operator, left, right) => Self::Mismatch(format!(
                "`{operator}` does not take {} and {}",
                left.type_of(),
                right.type_of()
            )),
            ExecutionError::ValuesNotComparable(left, right) => {
                Self::Mismatch(format!("{} and {} cannot be compared", left.type_of(), right.type_of()))
            }
            ExecutionError::UnsupportedIndex(index, _) => {
                Self::Mismatch(format!("{} is no index here", index.type_of()))
            }
            ExecutionError::UnsupportedKeyType(key) => {
                Self::Mismatch(format!("{} cannot be a map's key", key.type_of()))
            }
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                Self::failed("division by zero")
            }
            ExecutionError::Overflow(..) => Self::failed("a number is too large"),
            ExecutionError::IndexOutOfBounds(_) => Self::failed("a list has no such index"),
            ExecutionError::DuplicateKey(_) => Self::failed("a map has the same key twice"),
            ExecutionError::FunctionError { function, .. } => {
                Self::Failed(format!("`{function}` cannot work with this value"))
            }
            _ => unexpected(),
        }
    }
}

pub(super) fn evaluate(
    expression: &Compiled,
    roots: &Data,
    budget: Budget,
) -> Result<Value, EvaluationError> {
    match &expression.body {
        Body::Refused => Err(unexpected()),
        Body::Path(segments) => path::read(segments, roots),
        Body::Program(program) if program.deep => {
            on_large_stack(|| run(program, &expression.source, roots, budget))
                .unwrap_or_else(|_| Err(unexpected()))
        }
        Body::Program(program) => run(program, &expression.source, roots, budget),
    }
}

fn run(program: &Program, source: &str, roots: &Data, budget: Budget) -> Result<Value, EvaluationError> {
    let meter = Meter::new(budget);
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    meter.install(&mut context, &program.patterns);
    for (root, below) in &program.reads.below {
        match roots.get(root) {
            Some(value) => context.add_variable_as_val(root, convert::to_cel(value, below)),
            None if ROOTS.contains(&root.as_str()) => context.add_variable_as_val(root, convert::empty()),
            None => {}
        }
    }
    // The library has a few `expect`s of its own; none is known to be reachable, and none may end the process.
    let outcome = catch_unwind(AssertUnwindSafe(|| cel::Value::resolve(&program.tree, &context)));
    if meter.exhausted() {
        return Err(EvaluationError::Budget);
    }
    match outcome {
        Ok(Ok(value)) => convert::to_json(&value),
        Ok(Err(error)) => Err(EvaluationError::of(&error, source)),
        Err(_) => Err(unexpected()),
    }
}

fn unexpected() -> EvaluationError {
    EvaluationError::failed("the expression could not be evaluated")
}

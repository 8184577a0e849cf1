//! Where authors' expressions and texts run: the CEL gate and text templates, each with limits.
//!
//! The CEL library alone can overflow the stack, loop for seconds and double a text until memory ends. So nothing
//! of it is reachable from outside this room. An expression passes one gate: caps when it is compiled (length,
//! depth, known functions, literal patterns), a budget when it is evaluated (steps taken and memory built).
//!
//! What a visitor or a remote system sends is only ever a value here, never source text of any language, and there
//! is one evaluation pass (checklist X-1).
#![deny(missing_docs)]

mod cel;
mod position;
mod template;

pub use cel::{
    Budget, Checked, EvaluationError, Expression, ExpressionError, MAX_DEPTH, MAX_RESULT, MAX_SOURCE, ROOTS,
    Reference, Type, TypeMismatch,
};
pub use position::Position;
pub use template::{Escape, MAX_OUTPUT, MAX_TEMPLATE, RenderError, Template, TemplateError};

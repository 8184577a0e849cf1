//! Entering another graph, as `call` and `node` do.

use idflow_engine::bind::{BindError, Binder};
use idflow_engine::context::Cx;
use idflow_engine::turn::{Event, Fault, Finish, Node, Turn};
use idflow_flow::kinds::{Call, Callee, Facts, Sink};

use crate::shared::answer_mismatch;
use crate::shared::settings::{self, Expressions, Sources};

/// The facts of a step that enters a graph. Its outcomes, outputs and proofs come from what is entered.
pub fn facts(callee: Callee, pointer: &str, with: Option<&Sources>) -> Facts {
    let none = Sources::new();
    let with = with.unwrap_or(&none);
    Facts {
        expressions: settings::uses("/with", with, Sink::Variable),
        call: Some(Call {
            callee,
            pointer: pointer.to_owned(),
            arguments: with.iter().map(|(name, source)| (name.clone(), source.0.clone())).collect(),
        }),
        ..Facts::default()
    }
}

/// A step that evaluates its arguments and enters.
pub fn bind(with: Option<&Sources>, binder: &Binder<'_>) -> Result<Box<dyn Node>, BindError> {
    let arguments = Expressions::bind(with.unwrap_or(&Sources::new()), binder)?;
    Ok(Box::new(Enter { arguments }))
}

struct Enter {
    arguments: Expressions,
}

impl Node for Enter {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        let Event::Entered = event else { return Err(answer_mismatch("a step that enters a graph")) };
        let enter = Some(self.arguments.evaluate(cx)?);
        Ok(Turn::Finish(Box::new(Finish { enter, ..Finish::default() })))
    }
}

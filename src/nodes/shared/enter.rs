//! Entering another graph, as `call` and `node` do.

use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Call, Callee, Facts, Sink};
use idflow_flow::plan::{Compiler, Plan};

use crate::shared::answer_mismatch;
use crate::shared::settings::{Expressions, Sources};

/// The plan of a step that evaluates its arguments and enters. Its outcomes, outputs and proofs come from what is
/// entered.
pub fn plan(compiler: &mut Compiler<'_>, callee: Callee, pointer: &str, with: Option<&Sources>) -> Plan {
    let arguments = Expressions::compile(compiler, "/with", with.unwrap_or(&Sources::new()), Sink::Variable);
    let call = Call { callee, pointer: pointer.to_owned(), arguments: arguments.places() };
    node::plan(Facts { call: Some(call), ..Facts::default() }, Enter { arguments })
}

#[derive(Debug)]
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

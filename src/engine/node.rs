//! What a kind gives the engine to run.

use std::fmt::Debug;

use idflow_core::effect::Foreseen;
use idflow_flow::facts::Facts;
use idflow_flow::plan::Plan;
use idflow_flow::program::Step;

use crate::context::Cx;
use crate::turn::{Event, Fault, Turn};

/// One step, its settings compiled. What it shows of itself is all that it was made with.
pub trait Node: Debug + Send + Sync {
    /// Takes one event. The node's own state between events is kept by [`Cx::keep`] and read by [`Cx::state`].
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault>;

    /// What the post that has just come in will ask for. The engine has it read with whatever is read first.
    fn foresees(&self, _cx: &Cx<'_>) -> Foreseen {
        Foreseen::default()
    }
}

/// What stands in a plan for the engine to run.
type Planned = Box<dyn Node>;

/// The plan of a step: what everybody reads about it, and the node made of the same compiled settings.
pub fn plan(facts: Facts, node: impl Node + 'static) -> Plan {
    let node: Planned = Box::new(node);
    Plan::new(facts, node)
}

/// The node of a step.
pub(crate) fn node(step: &Step) -> Option<&dyn Node> {
    step.behaviour.get::<Planned>().map(AsRef::as_ref)
}

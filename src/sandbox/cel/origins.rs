//! Where the value of an expression can come from: the question that what is proven about an address rests on.

use cel::common::ast::{CallExpr, Expr, IdedExpr, operators};

use super::references::chain;

/// The paths one of whose values the expression gives unchanged, whichever way it is evaluated; nothing when some
/// value is computed, written in the source, or of unknown origin. What is not understood here is unknown.
pub(super) fn of(node: &IdedExpr) -> Option<Vec<Vec<String>>> {
    let is_test = matches!(&node.expr, Expr::Select(select) if select.test);
    if let Some(chain) = chain(node) {
        return (!is_test).then(|| vec![chain.path]);
    }
    match &node.expr {
        Expr::Call(call) => of_call(call),
        _ => None,
    }
}

fn of_call(call: &CallExpr) -> Option<Vec<Vec<String>>> {
    match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
        (operators::CONDITIONAL, None, [_, yes, no]) => both(yes, no),
        ("or" | "orValue", Some(first), [second]) => both(first, second),
        ("value", Some(inner), []) => of(inner),
        _ => None,
    }
}

fn both(one: &IdedExpr, other: &IdedExpr) -> Option<Vec<Vec<String>>> {
    let mut origins = of(one)?;
    origins.extend(of(other)?);
    origins.sort();
    origins.dedup();
    Some(origins)
}

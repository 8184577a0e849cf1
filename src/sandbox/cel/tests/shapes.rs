//! How the library writes loops, on which the accounting relies.

use super::*;

/// A loop as the library sees it when it decides how to evaluate: `@result while true do @result + [_]`.
fn shape(node: &cel::common::ast::IdedExpr) -> String {
    use cel::common::ast::{Expr, LiteralValue, operators};
    match &node.expr {
        Expr::Comprehension(each) => {
            format!("{} while {} do {}", shape(&each.result), shape(&each.loop_cond), shape(&each.loop_step))
        }
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::ADD, [left, right]) => format!("{} + {}", shape(left), shape(right)),
            (operators::LOGICAL_AND, [left, _]) => format!("{} && _", shape(left)),
            (operators::LOGICAL_OR, [left, _]) => format!("{} || _", shape(left)),
            (operators::CONDITIONAL, [_, yes, no]) => format!("_ ? {} : {}", shape(yes), shape(no)),
            (name, _) => name.to_owned(),
        },
        Expr::List(_) => "[_]".to_owned(),
        Expr::Ident(name) => name.clone(),
        Expr::Literal(LiteralValue::Boolean(_)) => "true".to_owned(),
        _ => "_".to_owned(),
    }
}

/// What the accounting relies on. A version of the library that writes or recognises loops otherwise must be looked at
/// before it is taken: loops could go uncounted, or copy their result at every turn.
#[test]
fn loops_keep_the_shapes_that_the_library_appends_in_place() {
    for (source, written, accounted) in [
        ("form.l.map(x, x)", "@result while true do @result + [_]", "@result while true do @result + [_]"),
        (
            "form.l.map(x, x > 1, x)",
            "@result while true do _ ? @result + [_] : @result",
            "@result while true do _ ? @result + [_] : @result",
        ),
        (
            "form.l.filter(x, x > 1)",
            "@result while true do _ ? @result + [_] : @result",
            "@result while true do _ ? @result + [_] : @result",
        ),
        (
            "form.l.exists_one(x, x > 1)",
            "_==_ while true do _ ? @result + _ : @result",
            "_==_ while true do _ ? @result + _ : @result",
        ),
        (
            "form.l.all(x, x > 1)",
            "@result while @not_strictly_false do @result && _",
            "@result while @step do @result && _",
        ),
        (
            "form.l.exists(x, x > 1)",
            "@result while @not_strictly_false do @result || _",
            "@result while @step do @result || _",
        ),
    ] {
        let program = gate::ENVIRONMENT.compile(source).unwrap();
        assert_eq!(shape(program.expression()), written, "{source}");
        assert_eq!(shape(&budget::accounted(program.expression().clone())), accounted, "{source}");
    }
}

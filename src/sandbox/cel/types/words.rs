//! What stands in the source, for messages.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use crate::cel::{functions, references};

/// What stands in the source, and whether that is all of the node.
pub(super) fn written(node: &IdedExpr) -> (String, bool) {
    if let Some(path) = path_text(node) {
        return (path, true);
    }
    match &node.expr {
        Expr::Literal(literal) => (literal_text_of(literal), true),
        Expr::List(_) => ("[…]".to_owned(), false),
        Expr::Map(_) => ("{…}".to_owned(), false),
        Expr::Call(call) if functions::is_operator(&call.func_name) => (operator_text(call), false),
        Expr::Call(call) => (format!("{}(…)", references::function_name(call)), false),
        Expr::Comprehension(each) => (format!("{}.…", written(&each.iter_range).0), false),
        _ => ("this".to_owned(), false),
    }
}

/// Fields that are read one of the other, as they are written.
fn path_text(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", path_text(&select.operand)?, select.field)),
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::OPT_SELECT, [of, field]) => {
                Some(format!("{}.?{}", path_text(of)?, literal_text(field)?))
            }
            (operators::INDEX, [of, index]) => Some(format!("{}[{}]", path_text(of)?, index_text(index)?)),
            (operators::OPT_INDEX, [of, index]) => {
                Some(format!("{}[?{}]", path_text(of)?, index_text(index)?))
            }
            _ => None,
        },
        _ => None,
    }
}

fn index_text(index: &IdedExpr) -> Option<String> {
    match &index.expr {
        Expr::Literal(literal) => Some(literal_text_of(literal)),
        _ => path_text(index),
    }
}

fn literal_text_of(literal: &LiteralValue) -> String {
    match literal {
        LiteralValue::Boolean(truth) => truth.inner().to_string(),
        LiteralValue::Bytes(_) => "b'…'".to_owned(),
        LiteralValue::Double(number) => number.inner().to_string(),
        LiteralValue::Int(number) => number.inner().to_string(),
        LiteralValue::Null => "null".to_owned(),
        LiteralValue::String(text) => format!("'{}'", text.inner()),
        LiteralValue::UInt(number) => format!("{}u", number.inner()),
    }
}

/// An operator as it is written, such as `… + …`.
fn operator_text(call: &CallExpr) -> String {
    match call.func_name.as_str() {
        operators::IN => "… in …".to_owned(),
        operators::CONDITIONAL => "… ? … : …".to_owned(),
        operator => operator.replace('_', " … ").trim().to_owned(),
    }
}

/// A function or operator as people know it.
pub(super) fn shown(name: &str) -> String {
    if functions::is_operator(name) && !name.contains('.') {
        format!("`{}`", name.trim_matches('_'))
    } else {
        format!("`{name}`")
    }
}

pub(super) fn literal_text(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

//! The walk over a tree.

use std::collections::BTreeMap;

use cel::Program;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};

use super::conversions::{advice, conversion, in_parentheses, is_literal};
use super::overloads::{OVERLOADS, Overload, one_of, wanted_at};
use super::words::{literal_text, shown, written};
use super::{Checked, Type, TypeMismatch};
use crate::cel::{functions, gate, references};
use crate::position::Position;

/// Tells the types of a program over roots of these types; it must give what is wanted.
pub(in crate::cel) fn check(
    program: &Program,
    source: &str,
    roots: &BTreeMap<String, Type>,
    wanted: &Type,
) -> Checked {
    let mut checker =
        Checker { program, source, roots, bound: Vec::new(), mismatches: Vec::new(), is_certain: true };
    let tree = program.expression();
    let value = checker.given(tree, wanted);
    let Checker { mut mismatches, is_certain, .. } = checker;
    mismatches.sort_by_key(|mismatch| mismatch.position);
    Checked { value, mismatches, is_certain }
}

struct Checker<'c> {
    program: &'c Program,
    source: &'c str,
    roots: &'c BTreeMap<String, Type>,
    /// Names bound by loops around the node.
    bound: Vec<(String, Type)>,
    mismatches: Vec<TypeMismatch>,
    is_certain: bool,
}

impl Checker<'_> {
    /// The type of a node whose value leaves the expression where something is wanted: each branch is judged.
    fn given(&mut self, node: &IdedExpr, wanted: &Type) -> Type {
        if let Expr::Call(call) = &node.expr
            && let (operators::CONDITIONAL, [test, yes, no]) = (call.func_name.as_str(), call.args.as_slice())
        {
            self.demand(test, &Type::Boolean);
            return self.given(yes, wanted).or(self.given(no, wanted));
        }
        let found = self.value(node);
        // What is absent is null outside, and null is nothing given.
        let inside = match &found {
            Type::Optional(inner) => inner,
            Type::Null => return found,
            other => other,
        };
        if !inside.fits(wanted) {
            self.refuse(node, &found, wanted);
        }
        found
    }

    /// A node that must be of a type.
    fn demand(&mut self, node: &IdedExpr, wanted: &Type) {
        let found = self.value(node);
        if !found.fits(wanted) {
            self.refuse(node, &found, wanted);
        }
    }

    fn refuse(&mut self, node: &IdedExpr, found: &Type, wanted: &Type) {
        let (written, is_exact) = written(node);
        let message = format!("`{written}` is {found}, and {wanted} is wanted here");
        let help = if is_exact { advice(&written, found, wanted) } else { format!("give {wanted}") };
        self.found(node, message, help);
    }

    fn found(&mut self, node: &IdedExpr, message: String, help: String) {
        self.mismatches.push(TypeMismatch { message, help, position: self.start(node) });
    }

    fn value(&mut self, node: &IdedExpr) -> Type {
        let found = self.node(node);
        self.is_certain &= found.is_known();
        found
    }

    fn node(&mut self, node: &IdedExpr) -> Type {
        match &node.expr {
            Expr::Literal(literal) => literal_type(literal),
            Expr::Ident(name) => self.name(name.trim_start_matches('.')),
            Expr::Select(select) => {
                let of = self.operand(&select.operand);
                let field = self.field(&select.operand, &of, &select.field);
                if select.test { Type::Boolean } else { field }
            }
            Expr::List(list) => {
                let types: Vec<Type> = list.elements.iter().map(|element| self.value(element)).collect();
                Type::List(Box::new(types.into_iter().fold(Type::Never, Type::or)))
            }
            Expr::Map(map) => {
                let mut values = Vec::new();
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.value(&entry.key);
                        values.push(self.value(&entry.value));
                    }
                }
                Type::Map(Box::new(values.into_iter().fold(Type::Never, Type::or)))
            }
            Expr::Comprehension(each) => self.each(each),
            Expr::Call(call) => self.call(node, call),
            Expr::Struct(_) | Expr::Unspecified => Type::Unknown,
        }
    }

    /// What a field is read of, or an item: an object of which more is unknown is no doubt yet.
    fn operand(&mut self, node: &IdedExpr) -> Type {
        let found = self.node(node);
        self.is_certain &= found != Type::Unknown;
        found
    }

    fn name(&self, name: &str) -> Type {
        if let Some((_, bound)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return bound.clone();
        }
        match self.roots.get(name) {
            Some(root) => root.clone(),
            None if functions::TYPES.contains(&name) => Type::Type,
            None => Type::Unknown,
        }
    }

    fn field(&mut self, operand: &IdedExpr, of: &Type, field: &str) -> Type {
        match of {
            Type::Unknown | Type::Never => Type::Unknown,
            Type::Object(fields) => fields.get(field).cloned().unwrap_or(Type::Unknown),
            Type::Map(value) => (**value).clone(),
            Type::Optional(inner) => {
                let inner = self.field(operand, inner, field);
                if matches!(inner, Type::Optional(_)) { inner } else { Type::Optional(Box::new(inner)) }
            }
            other => {
                let (written, _) = written(operand);
                let message = format!("`{written}` is {other}, which has no field {field}");
                self.found(operand, message, format!("read `{written}` itself"));
                Type::Unknown
            }
        }
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Type {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::CONDITIONAL, [test, yes, no]) => {
                self.demand(test, &Type::Boolean);
                self.value(yes).or(self.value(no))
            }
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [one, other]) => {
                self.demand(one, &Type::Boolean);
                self.demand(other, &Type::Boolean);
                Type::Boolean
            }
            (operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE, [one]) => {
                let before = self.mismatches.len();
                self.demand(one, &Type::Boolean);
                if let Some(mismatch) = self.mismatches.get_mut(before) {
                    mismatch.help = in_parentheses(&mismatch.help);
                }
                Type::Boolean
            }
            (operators::EQUALS | operators::NOT_EQUALS, [one, other]) => self.equals(one, other),
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                [one, other],
            ) => self.order(node, one, other),
            (operators::IN, [item, among]) => self.among(item, among),
            (operators::INDEX, [of, index]) => self.item(of, index),
            (operators::OPT_INDEX, [of, index]) => Type::Optional(Box::new(self.item(of, index))),
            (operators::OPT_SELECT, [of, field]) => {
                let found = self.operand(of);
                let field = match &field.expr {
                    Expr::Literal(LiteralValue::String(field)) => self.field(of, &found, field.inner()),
                    _ => Type::Unknown,
                };
                if matches!(field, Type::Optional(_)) { field } else { Type::Optional(Box::new(field)) }
            }
            _ => self.function(node, call),
        }
    }

    /// Values of different types are never equal, and the library says so only by being false.
    fn equals(&mut self, one: &IdedExpr, other: &IdedExpr) -> Type {
        let (first, second) = (self.value(one), self.value(other));
        if !is_comparable(&first, &second) {
            let ((a, _), (b, _)) = (written(one), written(other));
            let message = format!("`{a}` is {first} and `{b}` is {second}: they are never equal");
            self.found(one, message, same_type((&a, &first), (&b, &second)));
        }
        Type::Boolean
    }

    fn order(&mut self, node: &IdedExpr, one: &IdedExpr, other: &IdedExpr) -> Type {
        let (first, second) = (self.value(one), self.value(other));
        let ((a, _), (b, _)) = (written(one), written(other));
        for (side, found, written) in [(one, &first, &a), (other, &second, &b)] {
            if !is_ordered(found) {
                let message = format!("`{written}` is {found}, which is neither more nor less than anything");
                let help = match found {
                    Type::Optional(inner) => advice(written, found, inner),
                    _ => "compare numbers, texts or moments".to_owned(),
                };
                self.found(side, message, help);
                return Type::Boolean;
            }
        }
        if !is_comparable(&first, &second) {
            let message = format!("`{a}` is {first} and `{b}` is {second}: neither is more than the other");
            self.found(node, message, same_type((&a, &first), (&b, &second)));
        }
        Type::Boolean
    }

    fn among(&mut self, item: &IdedExpr, among: &IdedExpr) -> Type {
        let (found, list) = (self.value(item), self.operand(among));
        let wanted = match &list {
            Type::List(inner) => (**inner).clone(),
            Type::Map(_) | Type::Object(_) => Type::String,
            Type::Unknown | Type::Never => Type::Unknown,
            Type::String if found == Type::String => {
                let ((item, _), (text, _)) = (written(item), written(among));
                let message = format!("`{text}` is a String, and a List is wanted here");
                self.found(among, message, format!("write `{text}.contains({item})`"));
                Type::Unknown
            }
            _ => {
                self.refuse(among, &list, &Type::list());
                Type::Unknown
            }
        };
        let is_key_wanted = matches!(list, Type::Map(_) | Type::Object(_));
        if is_key_wanted && !is_key(&found) || !is_comparable(&found, &wanted) {
            let (written, _) = written(item);
            let message = format!("`{written}` is {found}, and there is only {wanted} to be found");
            self.found(item, message, advice(&written, &found, &wanted));
        }
        Type::Boolean
    }

    fn item(&mut self, of: &IdedExpr, index: &IdedExpr) -> Type {
        let found = self.operand(of);
        if let (Some(field), Type::Object(_)) = (literal_text(index), &found) {
            return self.field(of, &found, field);
        }
        match found {
            Type::List(inner) => {
                self.demand(index, &Type::Integer);
                *inner
            }
            Type::Map(inner) => {
                let found = self.value(index);
                if !is_key(&found) {
                    self.refuse(index, &found, &Type::String);
                }
                *inner
            }
            Type::Optional(_) | Type::Unknown | Type::Never | Type::Object(_) => {
                self.value(index);
                self.is_certain = false;
                Type::Unknown
            }
            other => {
                let (written, _) = written(of);
                let help = if other == Type::String {
                    format!("write `{written}.charAt(0)`")
                } else {
                    format!("read `{written}` itself")
                };
                self.found(of, format!("`{written}` is {other}, which has no items"), help);
                Type::Unknown
            }
        }
    }

    fn function(&mut self, node: &IdedExpr, call: &CallExpr) -> Type {
        let name = references::function_name(call);
        let is_space = name.contains('.');
        let subject = call.target.as_deref().filter(|_| !is_space);
        let arguments: Vec<&IdedExpr> = subject.into_iter().chain(&call.args).collect();
        let types: Vec<Type> = arguments.iter().map(|argument| self.value(argument)).collect();
        match (name.as_str(), types.as_slice()) {
            ("dyn", _) => Type::Unknown,
            ("type", _) => Type::Type,
            ("optional.none", _) => Type::Optional(Box::new(Type::Never)),
            ("optional.of" | "optional.ofNonZeroValue", [of]) => Type::Optional(Box::new(of.clone())),
            ("hasValue" | "value" | "orValue" | "or", [of, rest @ ..]) => {
                self.of_optional(&name, &arguments, of, rest)
            }
            _ => self.overload(node, &name, &arguments, &types),
        }
    }

    /// The functions of optional values.
    fn of_optional(&mut self, name: &str, arguments: &[&IdedExpr], of: &Type, rest: &[Type]) -> Type {
        let inner = match (of, arguments.first()) {
            (Type::Optional(inner), _) => inner.as_ref(),
            (Type::Unknown, _) | (_, None) => return Type::Unknown,
            (_, Some(subject)) => {
                let (written, _) = written(subject);
                let message = format!("`{written}` is {of}, and is never absent here");
                self.found(subject, message, format!("write `{written}` alone, or read it with `?`"));
                return Type::Unknown;
            }
        };
        match (name, rest, arguments.get(1)) {
            ("hasValue", [], _) => Type::Boolean,
            ("value", [], _) => inner.clone(),
            ("orValue", [or], Some(argument)) => {
                if !or.fits(inner) && !inner.fits(or) {
                    self.refuse(argument, or, inner);
                }
                inner.clone().or(or.clone())
            }
            ("or", [or @ (Type::Optional(_) | Type::Unknown)], _) => of.clone().or(or.clone()),
            ("or", [or], Some(argument)) => {
                let (written, _) = written(argument);
                let message = format!("`{written}` is {or}, and `or` takes what may be absent");
                self.found(argument, message, format!("write `.orValue({written})`"));
                Type::Unknown
            }
            _ => Type::Unknown,
        }
    }

    fn overload(&mut self, node: &IdedExpr, name: &str, arguments: &[&IdedExpr], types: &[Type]) -> Type {
        let known: Vec<&Overload> = OVERLOADS.iter().filter(|overload| overload.name == name).collect();
        if known.is_empty() {
            return Type::Unknown;
        }
        let mut fitting: Vec<&Overload> =
            known.iter().copied().filter(|overload| overload.takes.len() == types.len()).collect();
        if fitting.is_empty() {
            let is_method = matches!(&node.expr, Expr::Call(call) if call.target.is_some());
            let written = |count: usize| (count - usize::from(is_method)).to_string();
            let mut numbers: Vec<String> = known.iter().map(|one| written(one.takes.len())).collect();
            numbers.dedup();
            let (wanted, given) = (numbers.join(" or "), written(arguments.len()));
            let message = format!("`{name}` takes {wanted} values in parentheses, and here stand {given}");
            self.found(node, message, format!("give it {wanted}"));
            return Type::Unknown;
        }
        for (index, (argument, found)) in arguments.iter().zip(types).enumerate() {
            let left: Vec<&Overload> =
                fitting.iter().copied().filter(|one| one.takes_at(index, found)).collect();
            if left.is_empty() {
                self.refuse_argument(name, argument, found, &wanted_at(&fitting, index));
                return Type::Unknown;
            }
            fitting = left;
        }
        if name == operators::ADD
            && let [Type::List(one), Type::List(other)] = types
        {
            return Type::List(Box::new(one.as_ref().clone().or(other.as_ref().clone())));
        }
        one_of(&fitting, types)
    }

    fn refuse_argument(&mut self, name: &str, argument: &IdedExpr, found: &Type, wanted: &[Type]) {
        let (written, is_exact) = written(argument);
        let listed = wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        let message = format!("`{written}` is {found}, and {} takes {listed}", shown(name));
        let convertible = wanted.iter().find(|wanted| is_advised(&written, found, wanted));
        let help = match convertible {
            Some(wanted) if is_exact && !CONVERSIONS.contains(&name) => advice(&written, found, wanted),
            _ => format!("give {listed}"),
        };
        self.found(argument, message, help);
    }

    fn each(&mut self, each: &ComprehensionExpr) -> Type {
        let range = self.operand(&each.iter_range);
        let (first, second) = match range {
            Type::List(inner) if each.iter_var2.is_some() => (Type::Integer, *inner),
            Type::List(inner) => (*inner, Type::Unknown),
            Type::Map(inner) => (Type::String, *inner),
            Type::Object(_) => (Type::String, Type::Unknown),
            Type::Unknown | Type::Never => (Type::Unknown, Type::Unknown),
            other => {
                self.refuse(&each.iter_range, &other, &Type::list());
                (Type::Unknown, Type::Unknown)
            }
        };
        let before = self.bound.len();
        self.bound.push((each.iter_var.clone(), first));
        self.bound.extend(each.iter_var2.clone().map(|name| (name, second)));
        let start = self.node(&each.accu_init);
        self.bound.push((each.accu_var.clone(), start.clone()));
        let step = self.node(&each.loop_step);
        if let Some((_, accumulated)) = self.bound.last_mut() {
            *accumulated = start.or(step);
        }
        let result = self.node(&each.result);
        self.bound.truncate(before);
        result
    }

    /// Where the leftmost part of a node begins.
    fn start(&self, node: &IdedExpr) -> Position {
        let mut first = usize::MAX;
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if let Some((start, _)) = self.program.source_info().offset_for(node.id) {
                first = first.min(start as usize);
            }
            open.extend(gate::children(node));
        }
        Position::of_character(self.source, if first == usize::MAX { 0 } else { first })
    }
}

fn literal_type(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Boolean,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::Int(_) => Type::Integer,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::String,
        LiteralValue::UInt(_) => Type::Unsigned,
    }
}

const fn is_number(of: &Type) -> bool {
    matches!(of, Type::Integer | Type::Unsigned | Type::Double)
}

const fn is_key(of: &Type) -> bool {
    matches!(of, Type::Unknown | Type::Never | Type::String | Type::Integer | Type::Unsigned | Type::Boolean)
}

const fn is_ordered(of: &Type) -> bool {
    is_number(of)
        || matches!(
            of,
            Type::Unknown
                | Type::Never
                | Type::Boolean
                | Type::String
                | Type::Bytes
                | Type::Timestamp
                | Type::Duration
        )
}

/// Whether two values can be equal. Anything may be compared with null.
fn is_comparable(one: &Type, other: &Type) -> bool {
    let is_null = |of: &Type| *of == Type::Null;
    is_null(one) || is_null(other) || is_number(one) && is_number(other) || one.fits(other) || other.fits(one)
}

/// How to make two compared values of one type.
fn same_type((a, first): (&str, &Type), (b, second): (&str, &Type)) -> String {
    let is_absent = matches!(first, Type::Optional(_));
    if !is_absent && (is_literal(b) || !is_literal(a) && conversion(second, first).is_some()) {
        advice(b, second, first)
    } else {
        advice(a, first, second)
    }
}

/// Functions that are conversions themselves.
const CONVERSIONS: [&str; 8] = ["string", "int", "double", "bool", "uint", "bytes", "timestamp", "duration"];

/// Whether there is something to write in its place.
fn is_advised(written: &str, found: &Type, wanted: &Type) -> bool {
    let is_absent = matches!(found, Type::Optional(inner) if inner.fits(wanted));
    is_absent || !advice(written, found, wanted).starts_with("give ")
}

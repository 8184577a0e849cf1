//! The types of what expressions of a graph read: `form.age` is an Integer because a form asks for one.

use std::collections::BTreeMap;

use idflow_api::Directory;
use idflow_sandbox::{Expression, Type};

use crate::facts::{End, Member, Output, Outside, Use, of_value};
use crate::graph::Step;
use crate::resolve::{Part, Resolved};
use crate::roots::{ROOTS_WITH_FIELDS, RootField};

/// How often values that are computed from each other are looked at. What is not known then stays unknown.
const ROUNDS: usize = 4;

/// The roots of a graph's expressions.
pub fn roots(resolved: &Resolved<'_>, part: &Part<'_>) -> BTreeMap<String, Type> {
    let mut roots = given(resolved, part);
    let entered = part.graph.steps.iter().filter_map(Step::graph_entered);
    let handed_out: HandedOut = entered.map(|index| (index, handed_out(resolved, index))).collect();
    for _ in 0..ROUNDS {
        let before = roots.clone();
        for (root, written) in written(part, &before, &handed_out) {
            roots.insert(root.to_owned(), written);
        }
        if roots == before {
            break;
        }
    }
    roots
}

/// Of each graph that is entered, the types of what its `exit` steps hand out.
type HandedOut = BTreeMap<usize, BTreeMap<String, Type>>;

fn handed_out(resolved: &Resolved<'_>, index: usize) -> BTreeMap<String, Type> {
    let Some(part) = resolved.parts.get(index) else { return BTreeMap::new() };
    let exits = part.graph.steps.iter().filter(|step| matches!(step.facts.end, Some(End::Exit { .. })));
    let uses: Vec<&Use> = exits.flat_map(|step| &step.uses).collect();
    if uses.is_empty() {
        return BTreeMap::new();
    }
    let roots = roots(resolved, part);
    let mut fields = BTreeMap::new();
    for used in uses {
        let Some((_, name)) = used.pointer.rsplit_once("/outputs/") else { continue };
        for computed in &used.computed {
            add(&mut fields, name.to_owned(), of_expression(&computed.expression, &roots));
        }
    }
    fields
}

/// What is there before any step.
fn given(resolved: &Resolved<'_>, part: &Part<'_>) -> BTreeMap<String, Type> {
    let field = |field: &RootField| (field.name.to_owned(), (field.of)());
    let fixed = ROOTS_WITH_FIELDS.iter().map(|(root, fields)| (*root, object(fields.iter().map(field))));
    let input = part.graph.inputs.iter().map(|(name, input)| (name.clone(), of_value(input.value_type)));
    let others = [("user", user(resolved.directories())), ("input", object(input))];
    fixed.chain(others).map(|(root, of)| (root.to_owned(), of)).collect()
}

/// A user of any of these Directories.
pub(crate) fn user<'d>(directories: impl IntoIterator<Item = &'d Directory>) -> Type {
    let mut fields: BTreeMap<String, Type> = BTreeMap::new();
    for directory in directories {
        for attribute in &directory.spec.attributes {
            add(&mut fields, attribute.name.clone(), of_value(attribute.type_));
        }
    }
    fields.insert("groups".to_owned(), Type::List(Box::new(Type::String)));
    Type::Object(fields)
}

/// What the steps write. A place that several steps write has the type that all of them give it.
fn written(
    part: &Part<'_>,
    roots: &BTreeMap<String, Type>,
    handed_out: &HandedOut,
) -> BTreeMap<&'static str, Type> {
    let (mut steps, mut form, mut vars, mut session) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for step in &part.graph.steps {
        let of = |output: &Output| (output.name.clone(), of_output(output, roots));
        let handed_out = step.graph_entered().and_then(|index| handed_out.get(&index)).into_iter().flatten();
        let handed_out = handed_out.map(|(name, of)| (name.clone(), of.clone()));
        steps.insert(step.id.to_owned(), object(step.facts.outputs.iter().map(of).chain(handed_out)));
        for (fields, outputs) in [
            (&mut form, &step.facts.form),
            (&mut vars, &step.facts.vars),
            (&mut session, &step.facts.session),
        ] {
            outputs.iter().map(of).for_each(|(name, of)| add(fields, name, of));
        }
    }
    // What a browser's session has besides is another flow's.
    let all = [("steps", steps), ("form", form), ("vars", vars), ("session", session)];
    all.map(|(root, fields)| (root, Type::Object(fields))).into()
}

fn of_output(output: &Output, roots: &BTreeMap<String, Type>) -> Type {
    match &output.computed {
        Some(expression) => of_expression(expression, roots),
        None => match &output.outside {
            Some(Outside::Described(members)) => of_answer(members),
            _ => output.value_type.map_or(Type::Unknown, of_value),
        },
    }
}

fn of_expression(expression: &Expression, roots: &BTreeMap<String, Type>) -> Type {
    match expression.check(roots, &Type::Unknown).value {
        Type::Optional(_) | Type::Null | Type::Never => Type::Unknown,
        of => of,
    }
}

/// An answer with the members that are declared.
fn of_answer(members: &[Member]) -> Type {
    let mut answer = BTreeMap::new();
    for member in members {
        nest(&mut answer, &member.path, of_value(member.value_type));
    }
    Type::Object(answer)
}

fn nest(fields: &mut BTreeMap<String, Type>, path: &[String], of: Type) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        fields.entry(name.clone()).or_insert(of);
    } else if let Type::Object(inner) = fields.entry(name.clone()).or_insert_with(Type::object) {
        nest(inner, rest, of);
    }
}

fn add(fields: &mut BTreeMap<String, Type>, name: String, of: Type) {
    let of = match fields.remove(&name) {
        Some(before) => before.or(of),
        None => of,
    };
    fields.insert(name, of);
}

fn object(fields: impl IntoIterator<Item = (String, Type)>) -> Type {
    Type::Object(fields.into_iter().collect())
}

//! What an expression reads, for the linter and for converting no more than that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cel::Program;
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use super::{functions, gate};
use crate::position::Position;

/// One read of a path such as `steps.identify.username`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The root, then field names as far as they are known; never empty.
    pub path: Vec<String>,
    /// Whether the author provides for its absence: read with `?`, tested by `has(…)` or `in`, or read where such
    /// a test held.
    pub guarded: bool,
    /// Whether the expression goes on from here by a computed index, so that the path is only a beginning.
    pub open: bool,
    /// Where the path begins in the source.
    pub position: Position,
}

impl Reference {
    /// The only reference of a plain path.
    pub(super) fn plain(source: &str, path: Vec<String>) -> Self {
        let offset = source.len() - source.trim_start().len();
        Self { path, guarded: false, open: false, position: Position::at(source, offset) }
    }

    /// The first segment, for example `user`.
    pub fn root(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path.join("."))
    }
}

/// The paths read, as a tree.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Reads {
    /// Whether the value as a whole is read.
    pub(super) whole: bool,
    /// Fields read, when it is an object.
    pub(super) below: BTreeMap<String, Reads>,
}

impl Reads {
    pub(super) fn of(references: &[Reference]) -> Self {
        let mut reads = Self::default();
        for reference in references {
            let mut place = &mut reads;
            for segment in &reference.path {
                place = place.below.entry(segment.clone()).or_default();
            }
            place.whole = true;
        }
        reads
    }
}

/// Every path that is read and every function that is called.
pub(super) fn of(program: &Program, source: &str) -> (Vec<Reference>, Vec<String>) {
    let mut scan = Scan { program, source, found: Vec::new(), called: BTreeSet::new() };
    scan.node(program.expression(), &Known::default());
    scan.found.sort_by_key(|reference| reference.position);
    (scan.found, scan.called.into_iter().collect())
}

/// The name a call is known by: `optional.of`, not `of`.
pub(super) fn function_name(call: &CallExpr) -> String {
    match call.target.as_deref() {
        Some(IdedExpr { expr: Expr::Ident(space), .. })
            if functions::NAMESPACES.contains(&space.as_str()) =>
        {
            format!("{space}.{}", call.func_name)
        }
        _ => call.func_name.clone(),
    }
}

/// What holds where a node is evaluated.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Names bound by loops around it.
    bound: Vec<String>,
    /// Paths known to exist.
    present: Vec<Vec<String>>,
}

impl Known {
    fn with(&self, present: Vec<Vec<String>>) -> Self {
        let mut known = self.clone();
        known.present.extend(present);
        known
    }

    fn guards(&self, path: &[String]) -> bool {
        self.present.iter().any(|present| path.starts_with(present) || present.starts_with(path))
    }
}

/// A chain of fields from a name.
pub(super) struct Chain {
    pub(super) path: Vec<String>,
    optional: bool,
    start: u64,
}

struct Scan<'p> {
    program: &'p Program,
    source: &'p str,
    found: Vec<Reference>,
    called: BTreeSet<String>,
}

impl Scan<'_> {
    fn node(&mut self, node: &IdedExpr, known: &Known) {
        if let Some(chain) = chain(node) {
            let test = matches!(&node.expr, Expr::Select(select) if select.test);
            return self.read(chain, test, false, known);
        }
        match &node.expr {
            Expr::Call(call) => self.call(call, known),
            Expr::Comprehension(each) => {
                self.node(&each.iter_range, known);
                let mut inside = known.clone();
                inside.bound.extend([each.iter_var.clone(), each.accu_var.clone()]);
                inside.bound.extend(each.iter_var2.clone());
                self.node(&each.loop_step, &inside);
            }
            _ => gate::children(node).into_iter().for_each(|child| self.node(child, known)),
        }
    }

    fn call(&mut self, call: &CallExpr, known: &Known) {
        if !functions::is_operator(&call.func_name) {
            self.called.insert(function_name(call));
        }
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, [left, right]) => {
                self.node(left, known);
                self.node(right, &known.with(present(left, true)));
            }
            (operators::LOGICAL_OR, [left, right]) => {
                self.node(left, known);
                self.node(right, &known.with(present(left, false)));
            }
            (operators::CONDITIONAL, [test, yes, no]) => {
                self.node(test, known);
                self.node(yes, &known.with(present(test, true)));
                self.node(no, &known.with(present(test, false)));
            }
            (operators::INDEX | operators::OPT_INDEX, [operand, index]) => {
                match chain(operand) {
                    Some(chain) => self.read(chain, call.func_name == operators::OPT_INDEX, true, known),
                    None => self.node(operand, known),
                }
                self.node(index, known);
            }
            _ => {
                let is_namespace = |target: &IdedExpr| matches!(&target.expr, Expr::Ident(name) if functions::NAMESPACES.contains(&name.as_str()));
                if let Some(target) = call.target.as_deref().filter(|target| !is_namespace(target)) {
                    self.node(target, known);
                }
                call.args.iter().for_each(|argument| self.node(argument, known));
            }
        }
    }

    fn read(&mut self, chain: Chain, test: bool, open: bool, known: &Known) {
        let Some(root) = chain.path.first() else { return };
        let is_type = chain.path.len() == 1 && functions::TYPES.contains(&root.as_str());
        if known.bound.contains(root) || is_type {
            return;
        }
        let guarded = test || chain.optional || known.guards(&chain.path);
        let start = self.program.source_info().offset_for(chain.start).map_or(0, |(start, _)| start as usize);
        let position = Position::of_character(self.source, start);
        self.found.push(Reference { path: chain.path, guarded, open, position });
    }
}

/// `a.b`, `a['b']`, `a.?b` and `a[?'b']` as a path.
pub(super) fn chain(node: &IdedExpr) -> Option<Chain> {
    let (operand, field, optional) = match &node.expr {
        Expr::Ident(name) => {
            let path = vec![name.trim_start_matches('.').to_owned()];
            return Some(Chain { path, optional: false, start: node.id });
        }
        Expr::Select(select) => (&*select.operand, select.field.clone(), false),
        Expr::Call(call) => {
            let optional = match call.func_name.as_str() {
                operators::INDEX => false,
                operators::OPT_INDEX | operators::OPT_SELECT => true,
                _ => return None,
            };
            let [operand, field] = call.args.as_slice() else { return None };
            (operand, literal_text(field)?, optional)
        }
        _ => return None,
    };
    let mut chain = chain(operand)?;
    chain.path.push(field);
    chain.optional |= optional;
    Some(chain)
}

fn literal_text(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

/// The paths that exist for sure when a test gave `truth`.
fn present(test: &IdedExpr, truth: bool) -> Vec<Vec<String>> {
    match &test.expr {
        Expr::Select(select) if select.test && truth => {
            chain(test).map(|chain| chain.path).into_iter().collect()
        }
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, [inner]) => present(inner, !truth),
            (operators::LOGICAL_AND, [left, right]) if truth => {
                [present(left, true), present(right, true)].concat()
            }
            (operators::LOGICAL_OR, [left, right]) if !truth => {
                [present(left, false), present(right, false)].concat()
            }
            (operators::IN, [field, operand]) if truth => literal_text(field)
                .zip(chain(operand))
                .map(|(field, chain)| [chain.path, vec![field]].concat())
                .into_iter()
                .collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

//! The budget: accounting calls woven into the tree, so that loops and growing values end.
//!
//! Two calls are added, both giving back their argument. `@step` stands in every loop and counts one step. `@charge`
//! stands around every value that is about to be copied or compared, and counts its size: a step for each 16
//! values or 1,024 bytes. The library lets `||` and `&&` absorb errors, so [`Meter::exhausted`] is asked again
//! after the evaluation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, operators};
use cel::common::types::{CelBytes, CelInt, CelList, CelMap, CelOptional, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, FunctionContext};
use regex::Regex;

use super::functions;

/// Counts one step and the size of its argument.
const STEP: &str = "@step";
/// Counts the size of its argument.
const CHARGE: &str = "@charge";
/// Matches a text against a pattern compiled by the gate.
pub(super) const MATCHES: &str = "@matches";

/// Operators whose result may be a large value.
const VALUE_OPERATORS: [&str; 5] =
    [operators::ADD, operators::CONDITIONAL, operators::INDEX, operators::OPT_INDEX, operators::OPT_SELECT];

/// Operators whose work grows with what they are given.
const HANDLING_OPERATORS: [&str; 9] = [
    MATCHES,
    operators::ADD,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::IN,
    operators::LESS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
];

/// Values for one step.
const VALUES_PER_STEP: u64 = 16;
/// Bytes for one step.
const BYTES_PER_STEP: u64 = 1024;

/// How much one evaluation may do, in steps: one per turn of a loop, one per 16 values or 1,024 bytes handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(pub u64);

impl Default for Budget {
    /// 10,000 steps: some tens of milliseconds at the very most.
    fn default() -> Self {
        Self(10_000)
    }
}

/// What is left of a budget.
#[derive(Debug, Clone)]
pub(super) struct Meter(Arc<AtomicU64>);

impl Meter {
    pub(super) fn new(budget: Budget) -> Self {
        Self(Arc::new(AtomicU64::new(budget.0)))
    }

    pub(super) fn exhausted(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Takes steps; once too many were asked for, nothing is left for anybody.
    fn take(&self, steps: u64) -> Result<(), ExecutionError> {
        let left = self.0.load(Ordering::Relaxed).saturating_sub(steps);
        self.0.store(left, Ordering::Relaxed);
        if left == 0 { Err(ExecutionError::function_error(CHARGE, "exhausted")) } else { Ok(()) }
    }

    /// The steps a value of this size costs; stops counting where the rest of the budget ends.
    fn price(&self, value: &dyn Val) -> u64 {
        let mut size = Size { values: 0, bytes: 0, most: self.0.load(Ordering::Relaxed) };
        size.add(value);
        size.steps()
    }

    /// Makes the accounting calls known to an evaluation.
    pub(super) fn install(&self, context: &mut Context<'_, '_>, patterns: &Arc<[Regex]>) {
        let (step, charge, patterns) = (self.clone(), self.clone(), Arc::clone(patterns));
        // These names cannot be written in a source, so nothing can be declared under them already.
        let _ = context.add_function(STEP, function(move |call| step.pass(call, 1)));
        let _ = context.add_function(CHARGE, function(move |call| charge.pass(call, 0)));
        let _ = context.add_function(MATCHES, function(move |call| matches(call, &patterns)));
    }

    fn pass<'c, 'v>(
        &self,
        call: &mut FunctionContext<'c, 'v>,
        base: u64,
    ) -> Result<CowVal<'c, 'v>, ExecutionError> {
        let value = call.args.pop().ok_or(ExecutionError::MissingArgumentOrTarget)?;
        let steps = base + self.price(value.as_ref());
        if steps > 0 {
            self.take(steps)?;
        }
        Ok(value)
    }
}

type Function = Box<
    dyn for<'c, 'v> Fn(&mut FunctionContext<'c, 'v>) -> Result<CowVal<'c, 'v>, ExecutionError> + Send + Sync,
>;

fn function<F>(body: F) -> Function
where
    F: for<'c, 'v> Fn(&mut FunctionContext<'c, 'v>) -> Result<CowVal<'c, 'v>, ExecutionError>
        + Send
        + Sync
        + 'static,
{
    Box::new(body)
}

fn matches<'c, 'v>(
    call: &mut FunctionContext<'c, 'v>,
    patterns: &[Regex],
) -> Result<CowVal<'c, 'v>, ExecutionError> {
    let wrong = |subject: &CowVal<'_, '_>| {
        ExecutionError::no_such_member_overload(
            "matches",
            vec![subject.get_type().name().to_owned(), "string".into()],
        )
    };
    let number = call.args.pop().and_then(|number| number.downcast_ref::<CelInt>().map(|int| *int.inner()));
    let subject = call.args.pop().ok_or(ExecutionError::MissingArgumentOrTarget)?;
    let text = subject.downcast_ref::<CelString<'_>>().ok_or_else(|| wrong(&subject))?;
    let pattern =
        number.and_then(|number| usize::try_from(number).ok()).and_then(|index| patterns.get(index));
    let verdict = pattern.ok_or(ExecutionError::MissingArgumentOrTarget)?.is_match(text.inner());
    Ok(CowVal::owned(cel::common::types::CelBool::from(verdict)))
}

/// The size of a value.
struct Size {
    values: u64,
    bytes: u64,
    most: u64,
}

impl Size {
    fn steps(&self) -> u64 {
        self.values / VALUES_PER_STEP + self.bytes / BYTES_PER_STEP
    }

    fn add(&mut self, value: &dyn Val) {
        if self.steps() > self.most {
            return;
        }
        self.values += 1;
        if let Some(text) = value.downcast_ref::<CelString<'_>>() {
            self.bytes += text.inner().len() as u64;
        } else if let Some(bytes) = value.downcast_ref::<CelBytes<'_>>() {
            self.bytes += bytes.inner().len() as u64;
        } else if let Some(list) = value.downcast_ref::<CelList<'_>>() {
            list.inner().iter().for_each(|item| self.add(item.as_ref()));
        } else if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
            for (key, item) in map.inner() {
                if let cel::common::types::CelMapKey::String(text) = key {
                    self.bytes += text.inner().len() as u64;
                }
                self.add(item.as_ref());
            }
        } else if let Some(optional) = value.downcast_ref::<CelOptional<'_>>()
            && let Some(inner) = optional.option()
        {
            self.add(inner);
        }
    }
}

/// The tree with accounting calls in every loop and around every value that may be large.
pub(super) fn accounted(node: IdedExpr) -> IdedExpr {
    let IdedExpr { id, expr } = node;
    let expr = match expr {
        Expr::Call(call) => account_call(call),
        Expr::Comprehension(comprehension) => Expr::Comprehension(Box::new(account_loop(*comprehension))),
        Expr::List(mut list) => {
            list.elements = list.elements.into_iter().map(|element| charged(accounted(element))).collect();
            return wrap(CHARGE, IdedExpr { id, expr: Expr::List(list) });
        }
        map @ Expr::Map(_) => {
            let Ok(map) = map_children(IdedExpr { id, expr: map }, &mut |child| {
                Ok::<_, std::convert::Infallible>(charged(accounted(child)))
            });
            return wrap(CHARGE, map);
        }
        Expr::Select(mut select) => {
            *select.operand = accounted(*select.operand);
            Expr::Select(select)
        }
        leaf @ (Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_)) => leaf,
    };
    IdedExpr { id, expr }
}

fn account_call(mut call: CallExpr) -> Expr {
    let name = call.func_name.as_str();
    let handles_values = !functions::is_operator(name) || HANDLING_OPERATORS.contains(&name);
    let account = |node: IdedExpr| {
        // Indexing copies nothing, but what is indexed may be the result of a function.
        let is_result = matches!(&node.expr, Expr::Call(inner) if !functions::is_operator(&inner.func_name));
        let node = accounted(node);
        if handles_values || is_result { charged(node) } else { node }
    };
    call.args = call.args.into_iter().map(account).collect();
    call.target = call.target.map(|target| {
        let is_namespace =
            matches!(&target.expr, Expr::Ident(name) if functions::NAMESPACES.contains(&name.as_str()));
        if is_namespace { target } else { Box::new(account(*target)) }
    });
    Expr::Call(call)
}

/// Keeps the shapes that the library recognises: `@result && x`, `@result + [x]`, `c ? @result + [x] : @result`.
/// Where the loop's own condition is the literal `true`, touching it would switch off its in-place append, so the
/// step is counted inside the loop's step instead.
fn account_loop(mut each: ComprehensionExpr) -> ComprehensionExpr {
    each.iter_range = charged(accounted(each.iter_range));
    if !matches!(each.loop_cond.expr, Expr::Literal(_)) {
        each.loop_cond = wrap(STEP, each.loop_cond);
        if let Expr::Call(step) = &mut each.loop_step.expr {
            account_in_place(step.args.get_mut(1), accounted);
        }
        return each;
    }
    if let Expr::Call(step) = &mut each.loop_step.expr {
        if step.func_name == operators::CONDITIONAL {
            account_in_place(step.args.get_mut(0), |guard| wrap(STEP, accounted(guard)));
            if let Some(IdedExpr { expr: Expr::Call(append), .. }) = step.args.get_mut(1) {
                account_in_place(append.args.get_mut(1), account_appended);
            }
        } else {
            account_in_place(step.args.get_mut(1), account_appended);
        }
    }
    each
}

/// `[x]` in `@result + [x]`; the `1` that `exists_one` adds stays as it is.
fn account_appended(mut node: IdedExpr) -> IdedExpr {
    if let Expr::List(list) = &mut node.expr {
        list.elements =
            std::mem::take(&mut list.elements).into_iter().map(|item| wrap(STEP, accounted(item))).collect();
    }
    node
}

fn account_in_place(node: Option<&mut IdedExpr>, change: impl FnOnce(IdedExpr) -> IdedExpr) {
    if let Some(node) = node {
        *node = change(std::mem::take(node));
    }
}

/// Wraps what may be large; literals are bounded by the source, comparisons and arithmetic give small values.
fn charged(node: IdedExpr) -> IdedExpr {
    let may_be_large = match &node.expr {
        Expr::Ident(_) | Expr::Comprehension(_) => true,
        Expr::Select(select) => !select.test,
        Expr::Call(call) => match call.func_name.as_str() {
            CHARGE | STEP | MATCHES => false,
            name if functions::is_operator(name) => VALUE_OPERATORS.contains(&name),
            _ => true,
        },
        _ => false,
    };
    if may_be_large { wrap(CHARGE, node) } else { node }
}

fn wrap(function: &str, node: IdedExpr) -> IdedExpr {
    let id = node.id;
    let call = CallExpr { func_name: function.to_owned(), target: None, args: vec![node] };
    IdedExpr { id, expr: Expr::Call(call) }
}

/// Rebuilds a node with every direct child changed.
pub(super) fn map_children<E>(
    mut node: IdedExpr,
    change: &mut impl FnMut(IdedExpr) -> Result<IdedExpr, E>,
) -> Result<IdedExpr, E> {
    let mut children: Vec<&mut IdedExpr> = match &mut node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) => Vec::new(),
        Expr::Call(call) => call.target.as_deref_mut().into_iter().chain(&mut call.args).collect(),
        Expr::Select(select) => vec![&mut *select.operand],
        Expr::List(list) => list.elements.iter_mut().collect(),
        Expr::Comprehension(each) => {
            let each = &mut **each;
            vec![
                &mut each.iter_range,
                &mut each.accu_init,
                &mut each.loop_cond,
                &mut each.loop_step,
                &mut each.result,
            ]
        }
        Expr::Map(map) => map
            .entries
            .iter_mut()
            .flat_map(|entry| match &mut entry.expr {
                EntryExpr::StructField(field) => vec![&mut field.value],
                EntryExpr::MapEntry(entry) => vec![&mut entry.key, &mut entry.value],
            })
            .collect(),
    };
    for child in &mut children {
        **child = change(std::mem::take(*child))?;
    }
    Ok(node)
}

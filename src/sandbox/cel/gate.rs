//! The gate: what compiles here can be evaluated on an ordinary stack within a budget.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue};
use cel::parser::{Expression as Tree, ParseError};
use cel::{Env, extensions};
use regex::Regex;

use super::references::{self, Reference};
use super::stack::on_large_stack;
use super::types::{self, Checked, Type};
use super::{budget, foreign, functions, origins, path};
use crate::position::Position;

/// The longest source, in bytes of UTF-8. Longer chains of operators overflow the library's compiler.
pub const MAX_SOURCE: usize = 4096;

/// The deepest tree of operators. The library evaluates recursively.
pub const MAX_DEPTH: usize = 128;

/// The most memory one pattern may take, in bytes.
const MAX_PATTERN: usize = 1 << 18;

/// Trees at most this deep are evaluated on the caller's stack; deeper ones are rare and get one of their own.
const SHALLOW: usize = 24;

/// A source that is no acceptable expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Where, inside the source.
    pub position: Position,
}

/// What the gate lets through.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) source: String,
    pub(super) body: Body,
    pub(super) references: Vec<Reference>,
    pub(super) functions: Vec<String>,
    pub(super) origins: Option<Vec<Vec<String>>>,
}

impl Compiled {
    /// What stands for a source that was not let through.
    pub(super) fn refused(source: &str) -> Self {
        let (references, functions) = (Vec::new(), Vec::new());
        Self { source: source.to_owned(), body: Body::Refused, references, functions, origins: None }
    }
}

/// How it is evaluated.
#[derive(Debug)]
pub(super) enum Body {
    /// Not at all: the source was not let through.
    Refused,
    /// Without CEL: a plain path.
    Path(Vec<String>),
    /// With CEL: the tree with its accounting calls.
    Program(Program),
}

/// A tree with its accounting calls, and what it needs.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) tree: Tree,
    pub(super) patterns: Arc<[Regex]>,
    pub(super) reads: references::Reads,
    /// Whether it needs a large stack.
    pub(super) deep: bool,
}

/// The environment of every expression.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    // Neither can clash with the standard library; the test that calls every allowed function shows it.
    let _ = env.add_extension(extensions::strings);
    let _ = env.add_extension(extensions::encoders);
    Arc::new(env)
});

/// Compiles on a stack of its own, because the library's parser and the drop of its tree recurse.
pub(super) fn compile(source: &str) -> Result<Compiled, ExpressionError> {
    if source.len() > MAX_SOURCE {
        return Err(ExpressionError {
            message: format!("the expression has {} bytes; at most {MAX_SOURCE} are allowed", source.len()),
            help: "split it over several `set` steps, or move the work into a `script`".into(),
            position: Position::at(source, MAX_SOURCE),
        });
    }
    if let Some(segments) = path::segments(source) {
        return Ok(Compiled {
            source: source.to_owned(),
            references: vec![Reference::plain(source, segments.clone())],
            functions: Vec::new(),
            origins: Some(vec![segments.clone()]),
            body: Body::Path(segments),
        });
    }
    on_large_stack(|| compile_program(source)).unwrap_or_else(|_| {
        Err(ExpressionError {
            message: "the expression could not be compiled".into(),
            help: "write it more simply".into(),
            position: Position::at(source, 0),
        })
    })
}

fn compile_program(source: &str) -> Result<Compiled, ExpressionError> {
    let program = ENVIRONMENT.compile(source).map_err(|errors| unparsable(source, &errors.errors))?;
    let tree = program.expression();
    let depth = limit_depth(source, tree)?;
    let check = Check { source, program: &program };
    check.tree(tree)?;
    let (references, functions) = references::of(&program, source);
    let reads = references::Reads::of(&references);
    let origins = origins::of(tree);
    let mut patterns = Vec::new();
    let tree = check.patterns(tree.clone(), &mut patterns)?;
    let tree = budget::accounted(tree);
    Ok(Compiled {
        body: Body::Program(Program { tree, patterns: patterns.into(), reads, deep: depth > SHALLOW }),
        references,
        functions,
        origins,
        source: source.to_owned(),
    })
}

/// The tree is read anew: what is evaluated carries the calls that count its work.
pub(super) fn check(compiled: &Compiled, roots: &BTreeMap<String, Type>, wanted: &Type) -> Checked {
    let unknown = || Checked { value: Type::Unknown, mismatches: Vec::new(), is_certain: false };
    if matches!(compiled.body, Body::Refused) {
        return unknown();
    }
    let source = &compiled.source;
    on_large_stack(|| match ENVIRONMENT.compile(source) {
        Ok(program) => types::check(&program, source, roots, wanted),
        Err(_) => unknown(),
    })
    .unwrap_or_else(|_| unknown())
}

fn unparsable(source: &str, errors: &[ParseError]) -> ExpressionError {
    let (line, column, message) = errors.first().map_or((1, 1, "not an expression"), |error| {
        (error.pos.0.max(1).unsigned_abs(), error.pos.1.max(1).unsigned_abs(), error.msg.as_str())
    });
    let position = Position::of(source, line, column);
    let message =
        if source.trim().is_empty() { "the expression is empty".into() } else { in_plain_words(message) };
    let usual = "write CEL, for example `user.email.endsWith('@example.com')`; texts stand in quotes";
    let help = foreign::advice(source, position.offset).unwrap_or(usual).into();
    ExpressionError { message, help, position }
}

/// The parser's messages list every token it would have taken.
fn in_plain_words(message: &str) -> String {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let message = message.split(" expecting ").next().unwrap_or(message);
    if message.ends_with("'<EOF>'") {
        return "the expression ends too early".into();
    }
    let misplaced =
        ["mismatched input ", "extraneous input "].iter().find_map(|start| message.strip_prefix(start));
    if let Some(token) = misplaced {
        return format!("{token} does not belong here");
    }
    if message.starts_with("no viable alternative") {
        return "something is missing or misplaced here".into();
    }
    if let Some(token) = message.strip_prefix("token recognition error at:") {
        let quoted = token.trim().strip_prefix('\'');
        return match quoted.filter(|text| text.starts_with(['"', '\''])) {
            Some(_) => "a text is not closed, or holds an unknown escape".into(),
            None => format!("no part of the language:{token}"),
        };
    }
    in_other_words(message)
}

/// Messages about what the parser was doing, as messages about what stands there.
fn in_other_words(message: &str) -> String {
    const KNOWN: [(&str, &str); 7] = [
        ("invalid int", "this number is too large"),
        ("invalid uint", "this number is too large"),
        ("invalid double", "this number is too large"),
        ("invalid argument to has()", "`has(…)` takes a field, for example `has(user.email)`"),
        ("argument must be a simple name", "the first argument is a name for each item, for example `x`"),
        ("reserved identifier: ", "this word is reserved: "),
        ("found no matching overload", "no function takes these values"),
    ];
    match KNOWN.iter().find(|(start, _)| message.starts_with(start)) {
        Some((start, words)) if start.ends_with(": ") => message.replacen(start, words, 1),
        Some((_, words)) => (*words).into(),
        None => "something is missing or misplaced here".into(),
    }
}

/// Measures without recursion, because a tree that is too deep is the very thing to find.
fn limit_depth(source: &str, tree: &Tree) -> Result<usize, ExpressionError> {
    let mut deepest = 0;
    let mut open = vec![(tree, 1)];
    while let Some((node, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            return Err(ExpressionError {
                message: format!("the expression nests more than {MAX_DEPTH} operators"),
                help: "break the chain with parentheses in the middle, or split it over several `set` steps"
                    .into(),
                position: Position::at(source, 0),
            });
        }
        deepest = deepest.max(depth);
        open.extend(children(node).into_iter().map(|child| (child, depth + 1)));
    }
    Ok(deepest)
}

/// The direct children of a node.
pub(super) fn children(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Comprehension(comprehension) => vec![
            &comprehension.iter_range,
            &comprehension.accu_init,
            &comprehension.loop_cond,
            &comprehension.loop_step,
            &comprehension.result,
        ],
        Expr::Map(map) => entries(map.entries.iter().map(|entry| &entry.expr)),
        Expr::Struct(object) => entries(object.entries.iter().map(|entry| &entry.expr)),
    }
}

fn entries<'e>(entries: impl Iterator<Item = &'e EntryExpr>) -> Vec<&'e IdedExpr> {
    entries
        .flat_map(|entry| match entry {
            EntryExpr::StructField(field) => vec![&field.value],
            EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        })
        .collect()
}

/// Checks that need positions.
struct Check<'p> {
    source: &'p str,
    program: &'p cel::Program,
}

impl Check<'_> {
    fn refuse<T>(&self, node: &IdedExpr, message: String, help: String) -> Result<T, ExpressionError> {
        Err(ExpressionError { message, help, position: self.place(node) })
    }

    fn place(&self, node: &IdedExpr) -> Position {
        let character = self.program.source_info().offset_for(node.id).map_or(0, |(start, _)| start as usize);
        Position::of_character(self.source, character)
    }

    /// Refuses nodes that the library cannot evaluate without panicking, and functions it does not have.
    fn tree(&self, node: &IdedExpr) -> Result<(), ExpressionError> {
        match &node.expr {
            Expr::Struct(object) => self.refuse(
                node,
                format!(
                    "`{}{{…}}` builds a typed message, which expressions here do not have",
                    object.type_name
                ),
                "write a map: `{'name': value}`".into(),
            )?,
            Expr::Unspecified => {
                self.refuse(node, "a part of the expression is missing".into(), "complete it".into())?;
            }
            Expr::Call(call) if !functions::is_operator(&call.func_name) => {
                let name = references::function_name(call);
                if !functions::ALLOWED.contains(&name.as_str()) {
                    return Err(self.unknown_function(node, &call.func_name, &name));
                }
            }
            _ => {}
        }
        children(node).into_iter().try_for_each(|child| self.tree(child))
    }

    /// The tree places a call at its parenthesis; its name stands before that.
    fn unknown_function(&self, node: &IdedExpr, written: &str, name: &str) -> ExpressionError {
        let call = self.place(node);
        let offset = self.source[..call.offset].rfind(written).unwrap_or(call.offset);
        ExpressionError {
            message: format!("there is no function `{name}`"),
            help: match foreign::function(written) {
                Some(ours) => format!("it is called `{ours}`"),
                None => format!("functions are: {}", functions::ALLOWED.join(", ")),
            },
            position: Position::at(self.source, offset),
        }
    }

    /// Replaces `subject.matches('literal')` by a call with the number of its pattern, compiled here once.
    fn patterns(&self, mut node: IdedExpr, patterns: &mut Vec<Regex>) -> Result<IdedExpr, ExpressionError> {
        if let Expr::Call(call) = &mut node.expr
            && call.func_name == "matches"
        {
            let subject = call.target.take().map(|target| *target);
            let mut args: Vec<IdedExpr> = subject.into_iter().chain(call.args.drain(..)).collect();
            let pattern = match args.pop() {
                Some(pattern) if args.len() == 1 => self.pattern(&pattern)?,
                _ => self.wrong_matches(node.id)?,
            };
            patterns.push(pattern);
            let number = i64::try_from(patterns.len() - 1).unwrap_or(i64::MAX);
            args.push(IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::Int(number.into())) });
            call.func_name = budget::MATCHES.into();
            call.args = args;
        }
        budget::map_children(node, &mut |child| self.patterns(child, patterns))
    }

    fn wrong_matches(&self, id: u64) -> Result<Regex, ExpressionError> {
        let node = IdedExpr { id, expr: Expr::Unspecified };
        self.refuse(&node, "`matches` takes one pattern".into(), "write `text.matches('pattern')`".into())
    }

    fn pattern(&self, node: &IdedExpr) -> Result<Regex, ExpressionError> {
        let Expr::Literal(LiteralValue::String(pattern)) = &node.expr else {
            return self.refuse(
                node,
                "the pattern of `matches` must be a literal text".into(),
                "patterns are source text: write it in quotes, never build it from values".into(),
            );
        };
        regex::RegexBuilder::new(pattern.inner()).size_limit(MAX_PATTERN).build().or_else(|error| {
            let reason = match error {
                regex::Error::CompiledTooBig(_) => "it takes too much memory".into(),
                other => other.to_string().lines().last().unwrap_or_default().trim().to_owned(),
            };
            self.refuse(
                node,
                format!("the pattern is not acceptable: {reason}"),
                "use RE2 syntax with small repetitions".into(),
            )
        })
    }
}

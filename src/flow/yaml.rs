//! YAML to JSON values with the place of every node, read as `kubectl` reads it.
//!
//! One pass over the parser's events builds both, so that a place can never belong to another value than the one
//! that was read. Aliases are expanded within a budget; what YAML 1.1 makes of a word is reported, not guessed.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use idflow_core::{Data, Value};

use crate::diagnostic::{Finding, Place, Rule, Severity, token};
use crate::lint::{duplicate_key, yaml_boolean};
use crate::scalar::{Plain, plain};

/// The longest file that is read, in bytes.
pub(crate) const MAX_FILE: usize = 1024 * 1024;

/// What a file may grow to when it is read, its aliases expanded: in bytes of text, and for each node its pointer and 16.
const MAX_EXPANDED: usize = 16 * MAX_FILE;

const NODE_COST: usize = 16;
const MAX_DEPTH: usize = 100;

pub(crate) static INVALID_YAML: Rule = Rule {
    code: "invalid-yaml",
    severity: Severity::Error,
    why: "A document that cannot be read is not applied at all",
};
/// One document of a file.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// What it says.
    pub(crate) value: Value,
    /// Where each node stands.
    pub(crate) spans: Spans,
    /// What is wrong with it, by JSON pointer.
    pub(crate) issues: Vec<(String, Finding)>,
}

/// Where each node of a document stands, by JSON pointer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans(BTreeMap<String, NodeSpan>);

#[derive(Debug, Clone)]
struct NodeSpan {
    key: Option<Range<usize>>,
    value: Range<usize>,
    is_container: bool,
}

impl Spans {
    /// The bytes of a node: its value, or its key when the value spans lines. For a node that does not exist, its
    /// nearest ancestor that does.
    pub(crate) fn find(&self, pointer: &str, key: bool) -> Range<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(node) = self.0.get(pointer) {
                return match &node.key {
                    Some(span) if key || node.is_container => span.clone(),
                    _ => node.value.clone(),
                };
            }
            match pointer.rfind('/') {
                Some(at) => pointer = pointer.get(..at).unwrap_or_default(),
                None => return 0..0,
            }
        }
    }
}

/// Every document of a text. A document that cannot be read is left out, and the next is tried.
pub(crate) fn documents(file: &str, text: &str) -> (Vec<Document>, Vec<Finding>) {
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    let mut parser =
        Parser::new_from_str_with_options(text, granit_parser::options! { emit_comments: false });
    let mut builder = Builder::new(file, text);
    findings.extend(builder.invisible_marks());
    while let Some(event) = parser.next_event() {
        let step = event
            .map_err(|error| builder.refused(&error))
            .and_then(|(event, span)| builder.take(&event, &span));
        match step {
            Ok(None) => {}
            Ok(Some(document)) => documents.push(document),
            Err(finding) => {
                findings.push(*finding);
                builder = Builder { cost: builder.cost, ..Builder::new(file, text) };
                if builder.cost > MAX_EXPANDED || !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
    }
    (documents, findings)
}

struct Builder<'a> {
    file: &'a str,
    text: &'a str,
    open: Vec<Open>,
    anchors: HashMap<usize, (Value, usize)>,
    cost: usize,
    root: Option<Value>,
    spans: Spans,
    issues: Vec<(String, Finding)>,
}

/// A list or mapping whose end was not read yet.
struct Open {
    pointer: String,
    start: usize,
    anchor: usize,
    cost_before: usize,
    content: Content,
}

enum Content {
    List(Vec<Value>),
    Mapping { members: Data, merged: Data, key: Option<Key> },
}

struct Key {
    name: String,
    span: Range<usize>,
    is_merge: bool,
}

type Refused = Box<Finding>;

impl<'a> Builder<'a> {
    fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            open: Vec::new(),
            anchors: HashMap::new(),
            cost: 0,
            root: None,
            spans: Spans::default(),
            issues: Vec::new(),
        }
    }

    fn take(&mut self, event: &Event<'_>, span: &Span) -> Result<Option<Document>, Refused> {
        let range = span.byte_range().unwrap_or_default();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(text, *style, *anchor, tag.as_ref(), range)?;
            }
            Event::SequenceStart(_, anchor, _) => self.begin(*anchor, range, Content::List(Vec::new()))?,
            Event::MappingStart(_, anchor, _) => {
                let content = Content::Mapping { members: Data::new(), merged: Data::new(), key: None };
                self.begin(*anchor, range, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(range.end)?,
            Event::Alias(id) => self.alias(*id, range)?,
            Event::DocumentEnd => return Ok(self.document()),
            _ => {}
        }
        Ok(None)
    }

    fn document(&mut self) -> Option<Document> {
        let done = std::mem::replace(self, Self::new(self.file, self.text));
        // The budget is the file's, not the document's.
        self.cost = done.cost;
        Some(Document { value: done.root?, spans: done.spans, issues: done.issues })
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Cow<'_, Tag>>,
        range: Range<usize>,
    ) -> Result<(), Refused> {
        self.spend(NODE_COST + text.len(), &range)?;
        let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.core_suffix() == Some("str"));
        if self.expects_key() {
            self.key(text, is_text, range);
            return Ok(());
        }
        let value = if is_text { Value::from(text) } else { self.plain_value(text, &range)? };
        self.anchor(anchor, &value, NODE_COST + text.len(), &range)?;
        self.place(value, range, false)
    }

    fn plain_value(&mut self, text: &str, range: &Range<usize>) -> Result<Value, Refused> {
        match plain(text) {
            Plain::Value(value) => Ok(value),
            Plain::Word(meaning) => {
                let pointer = self.next_pointer();
                self.boolean(pointer, text, meaning, range);
                Ok(Value::from(text))
            }
            Plain::NotJson => {
                Err(self.invalid(range, &format!("{text} is not a number that JSON knows"), "leave it out"))
            }
        }
    }

    fn key(&mut self, text: &str, is_text: bool, span: Range<usize>) {
        let Some(Open { pointer, content: Content::Mapping { members, key, .. }, .. }) = self.open.last_mut()
        else {
            return;
        };
        *key = Some(Key { name: text.to_owned(), span: span.clone(), is_merge: !is_text && text == "<<" });
        let pointer = format!("{pointer}/{}", token(text));
        let is_duplicate = members.contains_key(text);
        if let Some(Plain::Word(meaning)) = (!is_text).then(|| plain(text)) {
            self.boolean(pointer.clone(), text, meaning, &span);
        }
        if is_duplicate {
            let first = self.spans.find(&pointer, true);
            let finding = duplicate_key::finding(self.file, span, first, text);
            self.issues.push((pointer, finding));
        }
    }

    fn boolean(&mut self, pointer: String, text: &str, meaning: bool, span: &Range<usize>) {
        self.issues.push((pointer, yaml_boolean::finding(self.file, span.clone(), text, meaning)));
    }

    fn begin(&mut self, anchor: usize, range: Range<usize>, content: Content) -> Result<(), Refused> {
        let cost_before = self.cost;
        self.spend(NODE_COST, &range)?;
        if self.expects_key() {
            return Err(self.invalid(&range, "a key is a list or a mapping", "use a text as the key"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(self.too_deep(&range));
        }
        let pointer = self.next_pointer();
        self.open.push(Open { pointer, start: range.start, anchor, cost_before, content });
        Ok(())
    }

    fn end(&mut self, end: usize) -> Result<(), Refused> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.content {
            Content::List(items) => Value::Array(items),
            Content::Mapping { members, mut merged, .. } => {
                merged.extend(members);
                Value::Object(merged)
            }
        };
        let range = open.start..end.max(open.start);
        self.anchor(open.anchor, &value, self.cost - open.cost_before, &range)?;
        self.place(value, range, true)
    }

    /// Keeps a copy of an anchored node for its aliases.
    fn anchor(&mut self, id: usize, value: &Value, cost: usize, range: &Range<usize>) -> Result<(), Refused> {
        if id != 0 {
            self.spend(cost, range)?;
            self.anchors.insert(id, (value.clone(), cost));
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, range: Range<usize>) -> Result<(), Refused> {
        let cost = self.anchors.get(&id).map_or(NODE_COST, |(_, cost)| *cost);
        self.spend(cost, &range)?;
        let value = self.anchors.get(&id).map(|(value, _)| value.clone());
        let Some(value) = value else {
            return Err(self.invalid(
                &range,
                "this alias stands inside what it names",
                "write the value out",
            ));
        };
        if self.expects_key() {
            return Err(self.invalid(&range, "a key is an alias", "write the key out"));
        }
        if self.open.len() + depth(&value) > MAX_DEPTH {
            return Err(self.too_deep(&range));
        }
        self.place(value, range, false)
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, value: Value, span: Range<usize>, is_container: bool) -> Result<(), Refused> {
        let pointer = self.next_pointer();
        self.spend(pointer.len(), &span)?;
        let span = if is_container { self.first_line(span) } else { span };
        let mut node = NodeSpan { key: None, value: span.clone(), is_container };
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(value),
            Some(Content::List(items)) => items.push(value),
            Some(Content::Mapping { members, merged, key }) => {
                let Some(key) = key.take() else { return Ok(()) };
                node.key = Some(key.span.clone());
                if key.is_merge {
                    if !merge(merged, value) {
                        return Err(self.invalid(
                            &span,
                            "<< merges mappings only",
                            "name a mapping after <<",
                        ));
                    }
                } else {
                    members.entry(key.name).or_insert(value);
                }
            }
        }
        self.spans.0.entry(pointer).or_insert(node);
        Ok(())
    }

    fn first_line(&self, span: Range<usize>) -> Range<usize> {
        let text = self.text.get(span.clone()).unwrap_or_default();
        let line = text.split('\n').next().unwrap_or_default().trim_end();
        span.start..span.start + line.len()
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Mapping { key: None, .. }, .. }))
    }

    /// The pointer of the node that is read next.
    fn next_pointer(&self) -> String {
        match self.open.last() {
            None => String::new(),
            Some(Open { pointer, content: Content::List(items), .. }) => format!("{pointer}/{}", items.len()),
            Some(Open { pointer, content: Content::Mapping { key, .. }, .. }) => {
                format!("{pointer}/{}", key.as_ref().map(|key| token(&key.name)).unwrap_or_default())
            }
        }
    }

    fn spend(&mut self, cost: usize, range: &Range<usize>) -> Result<(), Refused> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost <= MAX_EXPANDED {
            return Ok(());
        }
        Err(self.invalid(
            range,
            "the file grows beyond 16 MiB when it is read",
            "write fewer aliases, and nest less deeply under long keys",
        ))
    }

    /// Byte order marks that begin a line further down: `kubectl` reads each as part of the key behind it.
    fn invisible_marks(&self) -> Vec<Finding> {
        let marks = self.text.match_indices("\n\u{feff}").map(|(end, mark)| end + 1..end + mark.len());
        let help = "delete it, and save the file as UTF-8 without a byte order mark";
        marks
            .map(|mark| *self.invalid(&mark, "an invisible byte order mark begins this line", help))
            .collect()
    }

    fn too_deep(&self, range: &Range<usize>) -> Refused {
        self.invalid(
            range,
            &format!("more than {MAX_DEPTH} lists and mappings lie in each other"),
            "nest less deeply",
        )
    }

    fn refused(&self, error: &ScanError) -> Refused {
        let at = error.marker().byte_offset().unwrap_or(self.text.len()).min(self.text.len());
        let (title, help) = in_words(&error.info());
        if error.info().contains("tab") {
            let at = self.tab(at);
            return self.invalid(&(at..at + 1), title, help);
        }
        let finding = self.invalid(&(at..at), title, help);
        match self.open.last().filter(|open| title == UNCLOSED && open.start != at) {
            Some(open) => {
                let file = self.file.to_owned();
                Box::new(finding.with(Place::File { file, span: open.start..open.start + 1 }, "opened here"))
            }
            None => finding,
        }
    }

    /// The tab that stopped the parser: in the indentation before it, or the next one. It may stand behind it or at the
    /// beginning of the text that the tab ended.
    fn tab(&self, at: usize) -> usize {
        let (before, after) = self.text.split_at_checked(at).unwrap_or((self.text, ""));
        let line = before.rfind('\n').map_or(0, |end| end + 1);
        let indentation = before.get(line..).filter(|text| text.trim().is_empty());
        let behind = indentation.and_then(|text| text.find('\t')).map(|tab| line + tab);
        let ahead = || after.find('\t').map(|tab| at + tab);
        behind.or_else(ahead).unwrap_or_else(|| at.min(self.text.len().saturating_sub(1)))
    }

    fn invalid(&self, span: &Range<usize>, title: &str, help: &str) -> Refused {
        let place = Place::File { file: self.file.to_owned(), span: span.clone() };
        Box::new(INVALID_YAML.at(place, title, help))
    }
}

const UNCLOSED: &str = "a bracket or brace is not closed, or a comma is missing before this";

/// What a parser's message is about, and what to do. It tells what it was doing; people want to know what stands there.
fn in_words(message: &str) -> (&'static str, &'static str) {
    const KNOWN: [(&str, &str, &str); 15] = [
        ("tab", "a tab stands where only spaces may", "put spaces in its place"),
        ("bracket", UNCLOSED, "close it, or add the comma"),
        ("nexpected e", "the text ends before something that was begun is finished", "finish it"),
        ("flow sequence", UNCLOSED, "close it, or add the comma"),
        ("flow mapping", UNCLOSED, "close it, or add the comma"),
        ("flow construct", UNCLOSED, "close it, or indent what is in it further"),
        (
            "mapping values",
            "a colon stands where no value can begin",
            "put a text with a colon and a space in quotes, and check the indentation",
        ),
        (
            "simple key",
            "this line has no colon after its key",
            "add the colon, or put a text over several lines in quotes",
        ),
        (
            "block mapping",
            "a key is wanted here",
            "check the indentation; keys of one mapping begin in one column",
        ),
        (
            "block collection",
            "an item of a list is wanted here",
            "check the indentation; the dashes of one list stand in one column",
        ),
        ("block sequence", "a list begins where none can", "put it on a line of its own"),
        (
            "anchor",
            "this alias names nothing that & named before it",
            "name it before, or write the value out",
        ),
        (
            "escape",
            "a backslash in a quoted text begins nothing known",
            "write two backslashes, or single quotes",
        ),
        (
            "quote",
            "a quote is not closed, or something follows it",
            "close it, and check what comes after it",
        ),
        ("indentation", "the indentation changes where it cannot", "indent it as its neighbours are"),
    ];
    let known = KNOWN.iter().find(|(part, _, _)| message.contains(part));
    known.map_or(
        ("this is not YAML", "correct the syntax; indentation and missing quotes are the usual causes"),
        |found| (found.1, found.2),
    )
}

/// Adds what `<<` names; the first of several wins. Tells whether it was a mapping or a list of mappings.
fn merge(merged: &mut Data, value: Value) -> bool {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                merged.entry(name).or_insert(value);
            }
            true
        }
        Value::Array(items) => items.into_iter().all(|item| item.is_object() && merge(merged, item)),
        _ => false,
    }
}

/// How many lists and mappings lie in each other. Bounded, because every anchored value was checked before.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

//! Text templates: literal text with `{{ expression }}` in it, and nothing else.
//!
//! There are no blocks, loops, filters or includes; logic belongs into expressions. A literal `{{` is written
//! `{{ '{{' }}`. What an expression gives is escaped for where it lands and never read as source again (X-1, X-13).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use idflow_core::{Data, Value};

use crate::cel::{Budget, EvaluationError, Expression, ExpressionError, Reference};
use crate::position::Position;

/// The longest template source, in bytes of UTF-8.
pub const MAX_TEMPLATE: usize = 1 << 16;

/// The longest rendered text, in bytes of UTF-8.
pub const MAX_OUTPUT: usize = 1 << 16;

/// The most expressions in one template.
const MAX_EXPRESSIONS: usize = 256;

/// Where a rendered text lands, and so how values are escaped in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Plain text: values as they are.
    Plain,
    /// One component of a URL (RFC 3986 3.3, 3.4): everything but unreserved characters percent-encoded, so that a
    /// value cannot add a segment, a query or a host (checklist R-6).
    UrlComponent,
}

/// A compiled text template.
#[derive(Debug, Clone)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Value { expression: Expression, position: Position },
}

/// A source that is no acceptable template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Where, inside the template's source.
    pub position: Position,
}

/// A template could not be rendered. Contains nothing a visitor sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// An expression gave no value.
    #[error("{position}: {error}")]
    Evaluation {
        /// Where the expression stands in the template.
        position: Position,
        /// Why there is no value.
        error: EvaluationError,
    },
    /// An expression gave a value that texts cannot show.
    #[error("{position}: {found} cannot stand in a text; pick one value of it")]
    NotText {
        /// Where the expression stands in the template.
        position: Position,
        /// What it gave, for example `a list`.
        found: &'static str,
    },
    /// The rendered text is longer than [`MAX_OUTPUT`].
    #[error("the text is longer than {MAX_OUTPUT} bytes")]
    TooLong,
}

impl Template {
    /// Compiles a template.
    pub fn compile(source: &str) -> Result<Self, TemplateError> {
        let fail = |offset, message: String, help: &str| TemplateError {
            message,
            help: help.to_owned(),
            position: Position::at(source, offset),
        };
        if source.len() > MAX_TEMPLATE {
            let message = format!("the text has {} bytes; at most {MAX_TEMPLATE} are allowed", source.len());
            return Err(fail(MAX_TEMPLATE, message, "shorten it"));
        }
        if let Some(offset) = source.find("{%") {
            let help = "use `{{ condition ? 'one' : 'other' }}`, or a `branch` step before";
            return Err(fail(offset, "texts have no blocks such as `{% if %}`".into(), help));
        }
        let mut parts = Vec::new();
        let mut rest = 0;
        while let Some(open) = source[rest..].find("{{").map(|found| rest + found) {
            let inside = open + 2;
            let Some(end) = end_of_expression(&source[inside..]) else {
                return Err(fail(open, "`{{` is never closed".into(), "close it with `}}`"));
            };
            if open > rest {
                parts.push(Part::Text(source[rest..open].to_owned()));
            }
            let expression = Expression::compile(&source[inside..inside + end])
                .map_err(|error| within(source, inside, error))?;
            parts.push(Part::Value { expression, position: Position::at(source, inside) });
            rest = inside + end + 2;
        }
        if parts.iter().filter(|part| matches!(part, Part::Value { .. })).count() > MAX_EXPRESSIONS {
            let message = format!("the text has more than {MAX_EXPRESSIONS} expressions");
            return Err(fail(0, message, "split it into several texts"));
        }
        if rest < source.len() {
            parts.push(Part::Text(source[rest..].to_owned()));
        }
        Ok(Self { parts })
    }

    /// Stands for a source that does not compile: reads nothing, and never gives a text.
    pub fn refused() -> Self {
        let part = Part::Value { expression: Expression::refused(""), position: Position::at("", 0) };
        Self { parts: vec![part] }
    }

    /// Every path it reads, with positions inside the template's source.
    pub fn references(&self) -> Vec<Reference> {
        self.expressions()
            .flat_map(|(start, expression)| {
                expression.references().iter().map(move |reference| Reference {
                    position: shifted(start, reference.position),
                    ..reference.clone()
                })
            })
            .collect()
    }

    /// Its expressions, each with the place where its source begins.
    pub fn expressions(&self) -> impl Iterator<Item = (Position, &Expression)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value { expression, position } => Some((*position, expression)),
        })
    }

    /// Renders it over the roots, each expression within the default [`Budget`].
    pub fn render(&self, roots: &Data, escape: Escape) -> Result<String, RenderError> {
        let mut output = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => output.push_str(text),
                Part::Value { expression, position } => {
                    escaped(&mut output, &shown(expression, *position, roots)?, escape);
                }
            }
            if output.len() > MAX_OUTPUT {
                return Err(RenderError::TooLong);
            }
        }
        Ok(output)
    }

    /// What its expressions give over the roots, by their source, each within the default [`Budget`]: all that
    /// [`Template::fill`] needs later, when the roots are gone.
    pub fn values(&self, roots: &Data) -> Result<BTreeMap<String, String>, RenderError> {
        let mut values = BTreeMap::new();
        let mut length = 0;
        for part in &self.parts {
            length += match part {
                Part::Text(text) => text.len(),
                Part::Value { expression, position } => {
                    let shown = shown(expression, *position, roots)?;
                    let bytes = shown.len();
                    values.insert(expression.source().to_owned(), shown);
                    bytes
                }
            };
            if length > MAX_OUTPUT {
                return Err(RenderError::TooLong);
            }
        }
        Ok(values)
    }

    /// Renders it with what its expressions gave, as plain text. Nothing if one of them gave nothing, or if the text
    /// is longer than [`MAX_OUTPUT`].
    pub fn fill(&self, values: &BTreeMap<String, String>) -> Option<String> {
        let mut output = String::new();
        for part in &self.parts {
            output.push_str(match part {
                Part::Text(text) => text,
                Part::Value { expression, .. } => values.get(expression.source())?,
            });
            if output.len() > MAX_OUTPUT {
                return None;
            }
        }
        Some(output)
    }
}

/// The offset of the `}}` that ends an expression: not inside a text literal, and not the end of a map.
fn end_of_expression(source: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut open_braces = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\'' | b'"' => at = end_of_literal(bytes, at)?,
            b'{' => open_braces += 1,
            b'}' if open_braces > 0 => open_braces -= 1,
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The offset of the quote that ends a text literal.
fn end_of_literal(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = bytes[start];
    let raw = start > 0 && matches!(bytes[start - 1], b'r' | b'R');
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if !raw => at += 1,
            byte if byte == quote => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

fn within(source: &str, start: usize, error: ExpressionError) -> TemplateError {
    let position = Position::at(source, start + error.position.offset);
    TemplateError { message: error.message, help: error.help, position }
}

fn shifted(start: Position, inner: Position) -> Position {
    Position {
        offset: start.offset + inner.offset,
        line: start.line + inner.line - 1,
        column: if inner.line == 1 { start.column + inner.column - 1 } else { inner.column },
    }
}

/// What an expression gives, as text.
fn shown(expression: &Expression, position: Position, roots: &Data) -> Result<String, RenderError> {
    let value = expression
        .evaluate(roots, Budget::default())
        .map_err(|error| RenderError::Evaluation { position, error })?;
    show(value).map_err(|found| RenderError::NotText { position, found })
}

/// A value as text; absent values are empty.
fn show(value: Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Array(_) => Err("a list"),
        Value::Object(_) => Err("an object"),
    }
}

fn escaped(output: &mut String, text: &str, escape: Escape) {
    match escape {
        Escape::Plain => output.push_str(text),
        Escape::UrlComponent => text.bytes().for_each(|byte| push_url(output, byte)),
    }
}

fn push_url(output: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
        output.push(char::from(byte));
    } else {
        // Writing to a String cannot fail.
        let _ = write!(output, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn data(value: serde_json::Value) -> Data {
        match value {
            Value::Object(object) => object,
            _ => panic!("roots are an object"),
        }
    }

    fn render(source: &str, roots: serde_json::Value, escape: Escape) -> Result<String, RenderError> {
        Template::compile(source).unwrap().render(&data(roots), escape)
    }

    #[test]
    fn values_stand_between_literal_text() {
        let roots = json!({"user": {"name": "Ada", "logins": 3, "vip": true, "nick": null}});
        let source = "Hi {{ user.name }}, {{user.logins + 1}} {{ user.vip }}[{{ user.nick }}] } }} {";
        assert_eq!(render(source, roots, Escape::Plain).unwrap(), "Hi Ada, 4 true[] } }} {");
    }

    #[test]
    fn what_was_evaluated_before_fills_a_text_as_if_it_were_rendered_now() {
        let roots = json!({"user": {"name": "{{ user.name }}", "nick": null}});
        for source in
            ["plain", "", "Hi {{ user.name }}[{{ user.nick }}] {{user.name}}", "{{ 1 + 1 }}{{ '{{' }}"]
        {
            let template = Template::compile(source).unwrap();
            let values = template.values(&data(roots.clone())).unwrap();
            assert_eq!(template.fill(&values), Some(render(source, roots.clone(), Escape::Plain).unwrap()));
        }
        let long = json!({"user": {"name": "x".repeat(MAX_OUTPUT)}});
        let template = Template::compile("{{ user.name }}!").unwrap();
        assert_eq!(template.values(&data(long.clone())), Err(RenderError::TooLong));
        let values = Template::compile("{{ user.name }}").unwrap().values(&data(long)).unwrap();
        assert_eq!(template.fill(&values), None, "too long in another language");
        assert_eq!(template.fill(&BTreeMap::new()), None, "an expression that gave nothing");
    }

    #[test]
    fn braces_and_quotes_inside_an_expression_do_not_end_it() {
        for (source, wanted) in [
            ("{{ {'a': {'b': 'x'}}.a.b }}", "x"),
            ("{{ '}}' }}", "}}"),
            ("{{ '{{' }}", "{{"),
            (r"{{ '\'}}' }}", "'}}"),
            (r#"{{ "a'}}" }}"#, "a'}}"),
            (r"{{ r'\' }}", r"\"),
        ] {
            assert_eq!(render(source, json!({}), Escape::Plain).unwrap(), wanted, "{source}");
        }
    }

    #[test]
    fn x_1_values_are_never_read_as_source() {
        let hostile = "{{ user.secret }}{% raw %}${1+1}<%= 7 %>#{7*7}";
        let roots = json!({"form": {"name": hostile}, "user": {"secret": "s3cr3t"}});
        for source in ["{{ form.name }}", "{{ form.name + '' }}", "{{ [form.name].map(x, x)[0] }}"] {
            assert_eq!(render(source, roots.clone(), Escape::Plain).unwrap(), hostile);
        }
    }

    #[test]
    fn x_13_values_are_escaped_for_where_they_land() {
        let value = "a<b>&\"c\"'d'/?#é\r\nBcc: x\u{2028}";
        let roots = json!({"form": {"v": value}});
        for (escape, wanted) in [
            (Escape::Plain, value),
            (Escape::UrlComponent, "a%3Cb%3E%26%22c%22%27d%27%2F%3F%23%C3%A9%0D%0ABcc%3A%20x%E2%80%A8"),
        ] {
            assert_eq!(render("{{ form.v }}", roots.clone(), escape).unwrap(), wanted, "{escape:?}");
        }
    }

    #[test]
    fn what_cannot_be_shown_is_an_error_with_its_place() {
        let error = render("ab {{ user.roles }}", json!({"user": {"roles": []}}), Escape::Plain).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1, column 6: a list cannot stand in a text; pick one value of it"
        );
        let error = render("\n{{ user.name }}", json!({"user": {}}), Escape::Plain).unwrap_err();
        assert!(error.to_string().starts_with("line 2, column 3: `name` has no value"), "{error}");
        assert_eq!(render("{{ user.?name }}", json!({"user": {}}), Escape::Plain).unwrap(), "");
    }

    #[test]
    fn broken_templates_say_where() {
        for (source, line, column, says) in [
            ("a {{ user.name", 1, 3, "never closed"),
            ("a\n {{ user. }}", 2, 11, "missing or misplaced"),
            ("a {{ }}", 1, 6, "empty"),
            ("{% if a %}", 1, 1, "no blocks"),
            ("x {{ 'a' +\n nope(1) }}", 2, 2, "no function `nope`"),
        ] {
            let error = Template::compile(source).unwrap_err();
            assert!(error.message.contains(says), "{source:?}: {error}");
            assert_eq!((error.position.line, error.position.column), (line, column), "{source:?}: {error}");
        }
    }

    #[test]
    fn references_are_placed_in_the_template() {
        let source = "é {{ user.name }}\n{{ has(form.a) ?\n form.a : steps.b.c }}";
        let references = Template::compile(source).unwrap().references();
        let found: Vec<_> = references
            .iter()
            .map(|r| (r.to_string(), r.guarded, r.position.line, r.position.column))
            .collect();
        let wanted = [
            ("user.name", false, 1, 6),
            ("form.a", true, 2, 8),
            ("form.a", true, 3, 2),
            ("steps.b.c", false, 3, 11),
        ];
        assert_eq!(
            found,
            wanted.map(|(path, guarded, line, column)| (path.to_owned(), guarded, line, column))
        );
        for reference in &references {
            assert!(source[reference.position.offset..].starts_with(reference.root()));
        }
    }

    #[test]
    fn output_has_a_cap() {
        let roots = json!({"form": {"v": "x".repeat(MAX_OUTPUT / 2)}});
        assert!(render("{{ form.v }}{{ form.v }}", roots.clone(), Escape::Plain).is_ok());
        assert_eq!(render("{{ form.v }}{{ form.v }}.", roots, Escape::Plain), Err(RenderError::TooLong));
    }

    proptest! {
        #[test]
        fn arbitrary_templates_never_panic(source in r"(\PC|[{}'%.\\\n]|\{\{|\}\}|user){0,60}") {
            if let Ok(template) = Template::compile(&source) {
                let _ = template.render(&data(json!({"user": {"name": "Ada"}})), Escape::UrlComponent);
                let _ = template.references();
            }
        }

        #[test]
        fn x_1_any_value_comes_out_as_it_went_in(value in r"\PC{0,80}") {
            let shown = render("<{{ form.v }}>", json!({"form": {"v": value.clone()}}), Escape::Plain).unwrap();
            prop_assert_eq!(shown, format!("<{value}>"));
        }
    }
}

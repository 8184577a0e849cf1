//! Texts to HTML. The only place that makes markup outside the templates.

use std::fmt::Write as _;

use minijinja::Value;

/// U+2068, which Fluent writes before an argument.
pub(crate) const ISOLATE: char = '\u{2068}';
/// U+2069, which Fluent writes after an argument.
pub(crate) const POP_ISOLATE: char = '\u{2069}';

/// What an authored or entered text may contribute to a page: no control characters, and none of the marks that
/// turn the direction of writing of what follows.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| (*c == '\n' || !c.is_control()) && !is_direction_control(*c)).collect()
}

/// The same on a single line, for titles, subjects and arguments.
pub(crate) fn single_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            if !line.ends_with(' ') {
                line.push(' ');
            }
        } else if !is_direction_control(c) {
            line.push(c);
        }
    }
    line.trim().to_owned()
}

/// The paragraphs of a text, which empty lines part. One that lies within an isolated argument parts nothing.
pub(crate) fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    let mut is_isolated = false;
    for line in text.lines() {
        let is_new = line.trim().is_empty() && !is_isolated;
        match paragraphs.last_mut() {
            Some(last) if !is_new => {
                let joint = if last.is_empty() { "" } else { "\n" };
                last.extend([joint, line.trim_end()]);
            }
            _ => paragraphs.push(String::new()),
        }
        let last = line.rfind([ISOLATE, POP_ISOLATE]).and_then(|at| line[at..].chars().next());
        is_isolated = last.map_or(is_isolated, |mark| mark == ISOLATE);
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// [`escape`], appended to what is there.
pub(crate) fn escape_into(html: &mut String, text: &str) {
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => continue,
        };
        html.push_str(&text[written..at]);
        html.push_str(escaped);
        written = at + 1;
    }
    html.push_str(&text[written..]);
}

/// A text with everything escaped that means something in HTML, in content and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    escape_into(&mut html, text);
    html
}

/// A Fluent message as HTML: its isolated arguments become `bdi` elements. Arguments were made printable before,
/// so that every isolate here is Fluent's own and they come in pairs.
pub(crate) fn isolated_into(html: &mut String, text: &str) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(ISOLATE) {
        escape_into(html, before);
        let (argument, behind) = after.split_once(POP_ISOLATE).unwrap_or((after, ""));
        if argument.bytes().all(|byte| byte.is_ascii_digit()) {
            html.push_str(argument);
        } else {
            html.push_str("<bdi>");
            escape_into(html, argument);
            html.push_str("</bdi>");
        }
        rest = behind;
    }
    escape_into(html, rest);
}

/// A Fluent message without its isolates, for titles, mails and attributes.
pub(crate) fn without_isolates(text: &str) -> String {
    text.chars().filter(|c| !matches!(*c, ISOLATE | POP_ISOLATE)).collect()
}

/// Wraps HTML in a `span` that names its language, for texts in another language than their page (WCAG 3.1.2).
pub(crate) fn in_language(html: &str, tag: &str, direction: &str) -> String {
    let mut wrapped = String::with_capacity(html.len() + 40);
    wrapped.push_str("<span lang=\"");
    escape_into(&mut wrapped, tag);
    let _ = write!(wrapped, "\" dir=\"{direction}\">{html}</span>");
    wrapped
}

/// Finished HTML as a template value.
pub(crate) fn value(html: String) -> Value {
    Value::from_safe_string(html)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        let mut html = String::new();
        isolated_into(&mut html, text);
        html
    }

    #[test]
    fn what_means_something_in_html_is_escaped_and_nothing_else() {
        assert_eq!(escape("é & <b a=\"x\" c='y'>/"), "é &amp; &lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;/");
        assert_eq!(escape("&lt;"), "&amp;lt;");
    }

    #[test]
    fn arguments_are_isolated_by_elements_but_numbers_need_none() {
        assert_eq!(html("to \u{2068}a<b\u{2069}."), "to <bdi>a&lt;b</bdi>.");
        assert_eq!(html("\u{2068}10\u{2069} minutes"), "10 minutes");
        assert_eq!(html("open \u{2068}end"), "open <bdi>end</bdi>");
    }

    #[test]
    fn empty_lines_part_paragraphs_but_not_an_argument() {
        assert_eq!(paragraphs("a\nb \n\n \nc\n"), ["a\nb", "c"]);
        assert_eq!(paragraphs("\n"), [""; 0]);
        let argument = "to \u{2068}a\n\nb\u{2069}.\n\nBye";
        assert_eq!(paragraphs(argument), ["to \u{2068}a\n\nb\u{2069}.", "Bye"]);
    }

    #[test]
    fn nobody_turns_the_direction_of_what_follows() {
        assert_eq!(printable("a\u{202E}b\u{2069}c\u{0}\nd"), "abc\nd");
        assert_eq!(single_line(" a\r\n Bcc: b\u{2028}c "), "a Bcc: b c");
    }
}

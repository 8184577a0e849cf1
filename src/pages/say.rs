//! Saying a text in a page's language.

use std::cell::RefCell;
use std::collections::BTreeMap;

use fluent_bundle::{FluentArgs, FluentValue};
use idflow_core::view::Text;
use minijinja::Value;

use crate::locale::Locale;
use crate::markup;
use crate::texts::Texts;

/// Resolves the texts of one page or mail.
pub(crate) struct Say<'a> {
    texts: &'a Texts,
    locale: &'a Locale,
    product: String,
    problems: RefCell<Vec<String>>,
}

/// A text in some language, not yet escaped.
struct Said {
    text: String,
    /// The language, where it is not the page's.
    foreign: Option<Locale>,
}

impl<'a> Say<'a> {
    pub(crate) fn new(texts: &'a Texts, locale: &'a Locale, product: &str) -> Self {
        Self { texts, locale, product: markup::single_line(product), problems: RefCell::new(Vec::new()) }
    }

    /// The product's name, fit for a title.
    pub(crate) fn product_name(&self) -> &str {
        &self.product
    }

    pub(crate) fn locale(&self) -> &'a Locale {
        self.locale
    }

    /// Texts that were missing or lacked an argument; empty when the page is right.
    pub(crate) fn into_problems(self) -> Vec<String> {
        self.problems.into_inner()
    }

    /// A text as HTML, arguments isolated, marked with its language where that is not the page's.
    pub(crate) fn html(&self, text: &Text) -> Value {
        let said = self.resolve(text);
        let mut html = String::with_capacity(said.text.len() + 32);
        markup::isolated_into(&mut html, &said.text);
        markup::value(match &said.foreign {
            Some(locale) => markup::in_language(&html, locale.tag(), locale.direction()),
            None => html,
        })
    }

    /// A text as HTML, a paragraph for each of its own: what follows an empty line. Its line breaks are kept.
    pub(crate) fn paragraphs(&self, text: &Text) -> Vec<Value> {
        let said = self.resolve(text);
        let html = |paragraph: &str| {
            let mut html = String::with_capacity(paragraph.len() + 32);
            markup::isolated_into(&mut html, paragraph);
            let html = html.replace('\n', "<br>\n");
            markup::value(match &said.foreign {
                Some(locale) => markup::in_language(&html, locale.tag(), locale.direction()),
                None => html,
            })
        };
        markup::paragraphs(&said.text).iter().map(|paragraph| html(paragraph)).collect()
    }

    /// A text without any markup and on one line, for titles, choices, attributes and subjects. Not escaped.
    pub(crate) fn plain(&self, text: &Text) -> String {
        markup::single_line(&markup::without_isolates(&self.resolve(text).text))
    }

    /// A text without any markup, line breaks kept. Not escaped.
    pub(crate) fn lines(&self, text: &Text) -> String {
        markup::without_isolates(&markup::paragraphs(&self.resolve(text).text).join("\n\n"))
    }

    /// A product text without arguments as HTML.
    pub(crate) fn key(&self, key: &str) -> Value {
        self.html(&Text::product(key))
    }

    /// A product text without arguments and without markup.
    pub(crate) fn plain_key(&self, key: &str) -> String {
        self.plain(&Text::product(key))
    }

    fn resolve(&self, text: &Text) -> Said {
        match text {
            Text::Product { key, arguments } => self.product_text(key, arguments),
            Text::Pinned { key, .. } => {
                self.problems.borrow_mut().push(format!("the revision does not say {key}"));
                Said { text: String::new(), foreign: None }
            }
            Text::Authored { default_locale, by_locale } => self.authored(default_locale, by_locale),
        }
    }

    fn product_text(&self, key: &str, arguments: &BTreeMap<String, String>) -> Said {
        let mut values = FluentArgs::with_capacity(arguments.len() + 1);
        values.set("product", self.product.as_str());
        for (name, value) in arguments {
            values.set(name.as_str(), argument(value));
        }
        match self.texts.format(self.locale, key, &values, &mut self.problems.borrow_mut()) {
            Some(found) => Said { text: found.text, foreign: self.foreign(found.locale) },
            None => Said { text: readable(key), foreign: None },
        }
    }

    /// The author's text in the page's language: the same tag, else the same language, else the default one.
    fn authored(&self, default_locale: &str, by_locale: &BTreeMap<String, String>) -> Said {
        let same_language = || {
            by_locale.iter().find_map(|(tag, text)| {
                Locale::parse(tag)
                    .filter(|found| found.shares_language(self.locale))
                    .map(|_| (tag.as_str(), text))
            })
        };
        let found = by_locale.get(self.locale.tag()).map(|text| (self.locale.tag(), text));
        let found = found.or_else(same_language);
        let found = found.or_else(|| by_locale.get(default_locale).map(|text| (default_locale, text)));
        let Some((tag, text)) = found else {
            self.problems.borrow_mut().push(format!("an authored text has no {default_locale}"));
            return Said { text: String::new(), foreign: None };
        };
        let language = Locale::parse(tag).filter(Locale::is_language);
        let text = markup::printable(text);
        match language {
            Some(found) => Said { text, foreign: self.foreign(&found) },
            // A value that is the same in every language may run in either direction.
            None => Said { text: format!("{}{text}{}", markup::ISOLATE, markup::POP_ISOLATE), foreign: None },
        }
    }

    fn foreign(&self, found: &Locale) -> Option<Locale> {
        (!found.shares_language(self.locale)).then(|| found.clone())
    }
}

/// Whole numbers choose plural forms; everything else is a text. Only numbers that print as they came: a code or a
/// telephone number keeps its zeros.
fn argument(value: &str) -> FluentValue<'static> {
    match value.parse::<u32>() {
        Ok(number) if number.to_string() == value => FluentValue::from(number),
        _ => FluentValue::from(markup::single_line(value)),
    }
}

/// What stands for a text nobody wrote, such as the label of a flow author's own button `tryLater`.
fn readable(key: &str) -> String {
    let name = ["action-", "field-", "method-"].iter().find_map(|prefix| key.strip_prefix(prefix));
    let name = name.unwrap_or(key);
    let mut words = String::with_capacity(name.len() + 4);
    for c in markup::single_line(name).chars() {
        if words.is_empty() {
            words.extend(c.to_uppercase());
        } else if c == '-' {
            words.push(' ');
        } else if c.is_uppercase() {
            words.push(' ');
            words.extend(c.to_lowercase());
        } else {
            words.push(c);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(locale: &str, text: &Text) -> String {
        let (texts, locale) = (Texts::embedded().unwrap(), Locale::parse(locale).unwrap());
        Say::new(&texts, &locale, "Acme").html(text).to_string()
    }

    fn authored(texts: &[(&str, &str)]) -> Text {
        let by_locale = texts.iter().map(|(tag, text)| ((*tag).to_owned(), (*text).to_owned())).collect();
        Text::Authored { default_locale: texts[0].0.to_owned(), by_locale }
    }

    #[test]
    fn arguments_are_text_isolated_and_choose_plural_forms() {
        let lead = Text::with(
            "one-time-code-sent",
            [("address", "<b>@example.org".to_owned()), ("digits", "6".to_owned())],
        );
        assert!(said("en", &lead).contains("<bdi>&lt;b&gt;@example.org</bdi>"));
        let lifetime =
            |minutes: &str| said("en", &Text::with("mail-code-lifetime", [("minutes", minutes.to_owned())]));
        assert_ne!(lifetime("1").replace('1', "2"), lifetime("2"), "one minute, two minutes");
    }

    #[test]
    fn a_code_with_leading_zeros_stays_as_it_is() {
        assert!(matches!(argument("012345"), FluentValue::String(text) if text == "012345"));
    }

    #[test]
    fn a_page_in_another_language_falls_back_to_english_and_says_so() {
        assert!(said("fr", &Text::product("password-title")).starts_with("<span lang=\"en\" dir=\"ltr\">"));
        assert!(!said("de-AT", &Text::product("password-title")).contains("<span"), "de serves de-AT");
    }

    #[test]
    fn an_authored_text_is_taken_in_the_visitors_language_else_in_the_flows_first() {
        let text = authored(&[("en", "Hello"), ("de", "Hallo"), ("ar", "مرحبا")]);
        assert_eq!(said("de-CH", &text), "Hallo");
        assert_eq!(said("fr", &text), "<span lang=\"en\" dir=\"ltr\">Hello</span>");
        assert_eq!(said("en", &authored(&[("ar", "مرحبا")])), "<span lang=\"ar\" dir=\"rtl\">مرحبا</span>");
    }

    #[test]
    fn a_value_in_no_language_is_isolated() {
        assert_eq!(said("en", &authored(&[("und", "بنفسجي <b>")])), "<bdi>بنفسجي &lt;b&gt;</bdi>");
    }

    #[test]
    fn a_name_nobody_wrote_a_text_for_is_still_readable() {
        assert_eq!(said("en", &Text::product("action-try-later")), "Try later");
        assert_eq!(said("en", &Text::product("field-favouriteColour")), "Favourite colour");
    }
}

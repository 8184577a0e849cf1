//! Whatever people and manifests say, it is text (checklist B-4).

use idflow_core::effect::Mail;
use idflow_core::view::{ActionStyle, Choice, Field, FieldType, Message, Severity, Text, View};
use proptest::prelude::*;

use super::{page, samples, shown_as};
use crate::html::{self, Tag};
use crate::{Aftermath, Application, JourneyPage, Notice, NoticePage, Theme};

const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onfocus=alert(1) autofocus='",
    "</style>",
    "</script><script>",
    "</title>",
    "-->",
    "<!--",
    "{{7*7}}",
    "{% raw %}",
    "{# x #}",
    "&lt;b&gt;",
    "&#60;",
    "javascript:alert(1)",
    "\u{2068}",
    "\u{2069}",
    "\u{202e}",
    "\0",
    "\r\nBcc: a@b",
    "{ $product }",
    "<bdi>",
    "</bdi>",
    "`${1}`",
    "\u{feff}<",
    "]]>",
];

fn said() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => proptest::sample::select(HOSTILE).prop_map(str::to_owned),
        2 => any::<String>(),
        1 => "[<>&\"'`=/ a-z]{0,12}",
    ];
    // Never empty: an absent value is another page, not another text.
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| format!("x{}", pieces.concat()))
}

/// A view that shows `words` everywhere a view can show something.
fn view(words: &str) -> View {
    let authored = || Text::Authored {
        default_locale: "en".to_owned(),
        by_locale: [("en".to_owned(), words.to_owned())].into(),
    };
    let argument =
        || Text::with("one-time-code-sent", [("address", words.to_owned()), ("digits", "6".to_owned())]);
    let unknown = || Text::product(words);
    let types = [
        FieldType::Identifier,
        FieldType::Text,
        FieldType::Email,
        FieldType::Boolean,
        FieldType::Select,
        FieldType::Password,
        FieldType::Code,
    ];
    let field = |field_type| Field {
        name: words.to_owned(),
        field_type,
        label: authored(),
        hint: Some(argument()),
        value: Some(words.to_owned()),
        error: Some(authored()),
        required: true,
        max_length: 10,
        options: vec![Choice { value: words.to_owned(), label: authored() }],
    };
    View {
        kind: words.to_owned(),
        title: argument(),
        lead: Some(authored()),
        messages: vec![
            Message { severity: Severity::Info, text: argument() },
            Message { severity: Severity::Error, text: unknown() },
        ],
        fields: types.map(field).into(),
        actions: vec![idflow_core::view::Action {
            name: words.to_owned(),
            label: authored(),
            style: ActionStyle::Primary,
            skips_fields: false,
        }],
        identifier: Some(words.to_owned()),
    }
}

/// Every tag with the names of its attributes: what markup a page has, whatever it says.
fn skeleton(html: &str) -> Vec<(String, Vec<String>)> {
    let names = |tag: Tag| (tag.name, tag.attributes.into_iter().map(|(name, _)| name).collect());
    html::tags(html).into_iter().map(names).collect()
}

fn journey(words: &str, locale: &str) -> String {
    let view = view(words);
    let page = JourneyPage { action: words, token: words, ..page(&view) };
    let theme = Theme { support_email: Some(words.to_owned()), ..Theme::named(words) };
    shown_as(&page, theme, locale).html
}

fn notice(words: &str) -> String {
    let pages = crate::Pages::embedded().unwrap();
    let theme = Theme { support_email: Some(words.to_owned()), ..Theme::named(words) }.prepare();
    let (locale, nonce) =
        (crate::Locale::english(), crate::Nonce::random(&idflow_core::chance::SeededChance::new(1)));
    let visit = crate::Visit {
        locale: &locale,
        theme: &theme,
        nonce: &nonce,
        transport: crate::headers::Transport::HttpsBelow,
        languages: &[],
        development: None,
    };
    let application = Some(Application { name: words, target: "https://app.example/" });
    let after = Aftermath { reference: Some(words), application, ..Aftermath::default() };
    let page = NoticePage { notice: Notice::Failed, after };
    pages.notice(&visit, &page).unwrap().html
}

fn mail(words: &str) -> crate::RenderedMail {
    let sample = samples::mail();
    let authored = Text::Authored {
        default_locale: "en".to_owned(),
        by_locale: [("en".to_owned(), words.to_owned())].into(),
    };
    let body = vec![
        authored.clone(),
        Text::with("one-time-code-sent", [("address", words.to_owned()), ("digits", "6".to_owned())]),
    ];
    let mail = Mail { subject: authored, body, code: Some(words.to_owned()), ..sample };
    crate::Pages::embedded().unwrap().mail(&mail, &Theme::named(words).prepare()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn b_4_no_text_becomes_markup_on_a_step(words in said()) {
        prop_assert_eq!(skeleton(&journey(&words, "en")), skeleton(&journey("x", "en")));
        prop_assert_eq!(skeleton(&journey(&words, "ar")), skeleton(&journey("x", "ar")));
    }

    #[test]
    fn b_4_no_text_becomes_markup_on_a_notice(words in said()) {
        prop_assert_eq!(skeleton(&notice(&words)), skeleton(&notice("x")));
    }

    #[test]
    fn b_4_no_text_becomes_markup_or_a_header_in_a_mail(words in said()) {
        let mail = mail(&words);
        // A mail has as many lines and paragraphs as were written.
        let printable = crate::markup::printable(&words);
        let lines = printable.lines().map(|line| if line.trim().is_empty() { "" } else { "x" });
        let plain = lines.collect::<Vec<_>>().join("\n");
        prop_assert_eq!(skeleton(&mail.html), skeleton(&self::mail(&plain).html));
        prop_assert!(!mail.subject.chars().any(char::is_control), "{:?}", mail.subject);
    }

    #[test]
    fn what_is_posted_back_is_exactly_what_was_given(words in said()) {
        let tags = html::tags(&journey(&words, "en"));
        let token = tags.iter().find(|tag| tag.get("name") == Some("token")).and_then(|tag| tag.get("value"));
        prop_assert_eq!(token, Some(words.as_str()));
    }
}

#[test]
fn templates_in_texts_are_not_evaluated() {
    assert!(html::text(&journey("x{{7*7}}{% raw %}", "en")).contains("x{{7*7}}{% raw %}"));
}

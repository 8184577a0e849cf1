//! What browsers, password managers and screen readers rely on.

use idflow_core::effect::Mail;
use idflow_core::view::{Action, ActionStyle, Field, Text, View};

use super::{page, sample, samples, shown, shown_as};
use crate::html::{self, Tag};
use crate::{JourneyPage, Locale, Pages, Progress, Theme, check};

fn named<'t>(tags: &'t [Tag], name: &str) -> &'t Tag {
    tags.iter().find(|tag| tag.get("name") == Some(name)).unwrap_or_else(|| panic!("no {name}"))
}

fn buttons(tags: &[Tag]) -> Vec<&str> {
    tags.iter()
        .filter(|tag| tag.name == "button" && tag.get("name") == Some("action"))
        .filter_map(|tag| tag.get("value"))
        .collect()
}

#[test]
fn a_step_is_one_form_with_its_token_that_works_without_script() {
    let tags = html::tags(&shown(&sample("sign-in"), "en").html);
    let forms: Vec<&Tag> = tags.iter().filter(|tag| tag.name == "form").collect();
    assert_eq!(forms.len(), 1);
    assert_eq!((forms[0].get("method"), forms[0].get("action")), (Some("post"), Some("/journeys/one")));
    assert_eq!(named(&tags, "token").get("value"), Some("the-token"));
    assert_eq!(buttons(&tags), ["next", "forgot", "register"]);
}

#[test]
fn enter_presses_the_primary_button_wherever_the_view_lists_it() {
    let mut view = sample("code");
    view.actions.reverse();
    view.actions.push(Action {
        style: ActionStyle::Secondary,
        ..Action::aside("other", Text::product("action-skip"))
    });
    assert_eq!(buttons(&html::tags(&shown(&view, "en").html)), ["next", "other", "resend"]);
}

#[test]
fn back_and_cancel_are_offered_once() {
    let mut view = sample("code");
    view.actions.push(Action::aside("back", Text::product("action-back")));
    let page = JourneyPage { can_go_back: true, can_cancel: true, ..page(&view) };
    let tags = html::tags(&shown_as(&page, Theme::default(), "en").html);
    assert_eq!(buttons(&tags), ["next", "resend", "back", "cancel"]);
}

#[test]
fn every_input_has_its_autofill_tokens() {
    let tags = |view: &View| html::tags(&shown(view, "en").html);
    let token =
        |view: &str, field: &str| named(&tags(&sample(view)), field).get("autocomplete").map(str::to_owned);
    assert_eq!(token("sign-in", "username").as_deref(), Some("username webauthn"));
    assert_eq!(token("sign-in", "password").as_deref(), Some("current-password"));
    assert_eq!(token("set-password", "newPassword").as_deref(), Some("new-password"));
    assert_eq!(token("code", "code").as_deref(), Some("one-time-code"));
    assert_eq!(token("sign-up", "givenName").as_deref(), Some("given-name"));
    let code = tags(&sample("code"));
    assert_eq!(named(&code, "code").get("inputmode"), Some("numeric"));
    assert_eq!(
        code.iter().filter(|tag| tag.get("name") == Some("code")).count(),
        1,
        "one input, not one per digit"
    );
}

#[test]
fn p_6_nothing_keeps_a_password_from_being_pasted_or_stored() {
    let tags = html::tags(&shown(&sample("password"), "en").html);
    let username = named(&tags, "username");
    assert_eq!(username.get("value"), Some("ada.lovelace@example.org"));
    assert_eq!(username.get("autocomplete"), Some("username"));
    assert!(username.get("readonly").is_some());
    assert!(named(&tags, "password").get("maxlength").is_none(), "a pasted password is never cut");
    assert!(tags.iter().all(|tag| tag.attributes.iter().all(|(name, _)| !name.starts_with("on"))));
}

#[test]
fn a_user_name_is_posted_only_beside_a_password_and_only_once() {
    let count = |view: &View| {
        html::tags(&shown(view, "en").html).iter().filter(|tag| tag.get("name") == Some("username")).count()
    };
    assert_eq!(count(&View { identifier: Some("ada".to_owned()), ..sample("code") }), 0);
    assert_eq!(count(&View { identifier: Some("ada".to_owned()), ..sample("sign-in") }), 1);
}

#[test]
fn a_secret_is_never_shown_again() {
    let mut view = sample("sign-in");
    for field in &mut view.fields {
        field.value = Some("canary".to_owned());
    }
    let tags = html::tags(&shown(&view, "en").html);
    assert_eq!(named(&tags, "username").get("value"), Some("canary"));
    assert_eq!(named(&tags, "password").get("value"), None);
}

#[test]
fn errors_are_told_in_the_title_in_a_summary_with_focus_and_at_the_field() {
    let page = shown(&sample("sign-up-errors"), "en");
    assert!(html::title(&page.html).starts_with("Error: Create your account"), "{}", html::title(&page.html));
    let tags = html::tags(&page.html);
    let summary = tags.iter().find(|tag| tag.get("role") == Some("alert")).expect("a summary");
    assert!(summary.get("autofocus").is_some());
    assert_eq!(
        tags.iter().filter(|tag| tag.get("autofocus").is_some()).count(),
        1,
        "one thing has the focus"
    );
    let email = named(&tags, "email");
    assert_eq!(email.get("aria-invalid"), Some("true"));
    assert_eq!(email.get("value"), Some("ada@"), "what was entered stays");
    let id = email.get("id").unwrap();
    assert!(tags.iter().any(|tag| tag.name == "a" && tag.get("href") == Some(&format!("#{id}"))));
    let described = email.get("aria-describedby").unwrap();
    assert!(tags.iter().any(|tag| tag.get("id") == Some(described)), "{described} exists");
}

#[test]
fn every_sample_is_as_strict_as_the_check() {
    let pages = Pages::embedded().unwrap();
    for (name, view) in samples::views() {
        for locale in ["en", "de"].map(|tag| Locale::parse(tag).unwrap()) {
            assert_eq!(check::view(&pages, &locale, name, &view).problems, Vec::<String>::new());
        }
        // No language of the product's: the texts are English, the direction is not.
        let arabic = check::view(&pages, &Locale::parse("ar").unwrap(), name, &view);
        assert_eq!(check::structure(&arabic.html), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_check_notices_what_is_wrong_with_a_page() {
    let problems = |html: &str| check::structure(html).into_iter().collect::<String>();
    assert_eq!(problems(r#"<label for="a">A</label><input id="a" name="a">"#), "");
    assert!(problems(r#"<input id="a" name="a">"#).contains("no label"));
    assert!(problems(r#"<select name="a">"#).contains("no label"));
    assert!(problems(r#"<label for="b">B</label>"#).contains("b is pointed at"));
    assert!(
        problems(r#"<p id="a"></p><p id="a"></p><i aria-describedby="a"></i>"#).contains("a is pointed at")
    );
    assert!(problems(&"x".repeat(1 << 16)).contains("bytes"));
}

#[test]
fn a_page_says_its_language_and_direction() {
    let root = |locale: &str| {
        let tags = html::tags(&shown(&sample("code"), locale).html);
        let root = tags.iter().find(|tag| tag.name == "html").unwrap().clone();
        (root.get("lang").unwrap().to_owned(), root.get("dir").unwrap().to_owned())
    };
    assert_eq!(root("de"), ("de".to_owned(), "ltr".to_owned()));
    assert_eq!(root("ar"), ("ar".to_owned(), "rtl".to_owned()));
}

#[test]
fn progress_and_optional_fields_are_said_in_words() {
    let view = sample("sign-up");
    let page = JourneyPage { progress: Some(Progress { step: 2, of: 3 }), ..page(&view) };
    let text = html::text(&shown_as(&page, Theme::default(), "en").html);
    assert!(text.contains("Step 2 of 3"), "{text}");
    assert!(text.contains("Phone number (optional)"), "{text}");
}

#[test]
fn the_last_page_has_nothing_to_press() {
    let tags = html::tags(&shown(&sample("complete"), "en").html);
    assert!(tags.iter().all(|tag| tag.name != "form"));
}

#[test]
fn style_and_script_carry_the_nonce_of_the_policy_and_nothing_is_inline() {
    for (name, view) in samples::views() {
        let page = shown(&view, "en");
        let policy = &page.headers.iter().find(|header| header.0 == "content-security-policy").unwrap().1;
        for tag in html::tags(&page.html) {
            assert!(tag.get("style").is_none(), "{name}: {tag:?}");
            if matches!(tag.name.as_str(), "style" | "script") {
                assert!(policy.contains(&format!("'nonce-{}'", tag.get("nonce").unwrap())), "{name}");
            }
        }
    }
}

#[test]
fn a_field_with_a_name_that_is_no_id_is_still_described() {
    let mut view = sample("code-wrong");
    view.fields = vec![Field { name: "a b\"c".to_owned(), ..view.fields.remove(0) }];
    let tags = html::tags(&shown(&view, "en").html);
    let input = named(&tags, "a b\"c");
    assert_eq!((input.get("id"), input.get("aria-describedby")), (Some("f0"), Some("f0-error")));
}

#[test]
fn both_parts_of_a_mail_have_the_lines_that_its_author_wrote() {
    let body = "Hello <Dora>,\n\nit was changed\njust now.\n\nAcme\n".to_owned();
    let body =
        Text::Authored { default_locale: "en".to_owned(), by_locale: [("en".to_owned(), body)].into() };
    let mail = Mail { body: vec![body], code: None, ..samples::mail() };
    let rendered = Pages::embedded().unwrap().mail(&mail, &Theme::named("Acme").prepare()).unwrap();
    let paragraphs =
        rendered.html.split("<p ").skip(2).filter_map(|rest| rest.split_once('>')?.1.split_once("</p>"));
    let paragraphs: Vec<&str> = paragraphs.map(|(text, _)| text).collect();
    assert_eq!(paragraphs, ["Hello &lt;Dora&gt;,", "it was changed<br>\njust now.", "Acme"]);
    let text = "Hello <Dora>,\n\nit was changed\njust now.\n\nAcme\n\n-- \n";
    assert!(rendered.text.starts_with(text), "{}", rendered.text);
}

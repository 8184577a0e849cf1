//! Renders pages strictly: no text missing, nothing left over, every input labelled, small enough to arrive at once.
//!
//! What node kinds show is rendered by the harness of the kinds, from their examples; the pages of this room's own
//! here.

use std::collections::BTreeMap;

use idflow_core::chance::SeededChance;
use idflow_core::effect::Mail;
use idflow_core::view::{Text, View};

use crate::aftermath::{Aftermath, Application};
use crate::form_post::FormPostPage;
use crate::headers::Nonce;
use crate::html::{self, Tag};
use crate::journey::{JourneyPage, Progress};
use crate::locale::{Locale, Offer};
use crate::notice::{Notice, NoticePage};
use crate::onward::OnwardPage;
use crate::pages::{Development, Page, Pages, RenderError, Visit};
use crate::say::Say;
use crate::texts;
use crate::theme::Theme;

/// A page arrives in the first flight of packets: 14 KiB compressed. Markup and style compress to well under a half;
/// without a compressor at hand the plain size is held below twice the budget.
const MOST_BYTES: usize = 2 * 14 * 1024;

/// What a check found: nothing, when every text exists in every language with the same variables and every page of
/// this room renders. For tests, and for `idflow check`.
pub fn check(pages: &Pages) -> Vec<String> {
    let mut problems = texts::differences();
    for locale in pages.texts().locales() {
        problems.extend(own_pages(pages, locale).into_iter().flat_map(|sample| sample.problems));
        problems.extend(formatted(pages, locale));
    }
    problems
}

/// A rendered page or mail.
#[derive(Debug)]
pub struct Sample {
    /// For a file, for example `password-1`.
    pub name: String,
    /// The document.
    pub html: String,
    /// Texts that were missing or lacked an argument, and what is wrong with the markup.
    pub problems: Vec<String>,
}

/// A step's page in one language, in every place that a journey can stand at.
pub fn view(pages: &Pages, locale: &Locale, name: &str, view: &View) -> Sample {
    let page = JourneyPage {
        view,
        action: "/journeys/x",
        token: "sample",
        status: 200,
        can_go_back: !view.actions.is_empty(),
        can_cancel: !view.actions.is_empty(),
        progress: Some(Progress { step: 1, of: 3 }),
        after: after(),
    };
    strict(pages, locale, name, |say, visit| html(pages.journey_saying(say, visit, &page)))
}

/// A mail in one language.
pub fn mail(pages: &Pages, locale: &Locale, name: &str, mail: &Mail) -> Sample {
    let theme = theme().prepare();
    strict(pages, locale, name, |say, _| {
        pages.mail_saying(say, mail, &theme).map(|mail| mail.html).map_err(|error| error.to_string())
    })
}

/// Every way that there may be.
fn after() -> Aftermath<'static> {
    Aftermath {
        account: Some("ada@example.org"),
        reference: Some("7Q2M4XKDB9"),
        onward: Some("/flows/sign-in"),
        issuer: None,
        application: Some(Application { name: "Acme", target: "https://app.example/?error=access_denied" }),
    }
}

/// The pages that belong to no step.
fn own_pages(pages: &Pages, locale: &Locale) -> Vec<Sample> {
    let notices = Notice::ALL.iter().map(|notice| {
        let page = NoticePage { notice: *notice, after: after() };
        let name = format!("notice-{notice:?}");
        strict(pages, locale, &name, |say, visit| html(pages.notice_saying(say, visit, &page)))
    });
    let onward = OnwardPage { target: "https://app.example/callback?code=x&state=y", reference: None };
    let onward = strict(pages, locale, "onward", |say, visit| html(pages.onward_saying(say, visit, &onward)));
    let fields = [("code", "x".to_owned()), ("state", "a \"quoted\" <b>".to_owned())];
    let post = FormPostPage {
        target: "https://app.example/callback",
        source: "https://app.example/callback",
        fields: &fields,
    };
    let post =
        strict(pages, locale, "form_post", |say, visit| html(pages.form_post_saying(say, visit, &post)));
    notices.chain([onward, post]).collect()
}

fn strict(
    pages: &Pages,
    locale: &Locale,
    name: &str,
    render: impl FnOnce(&Say<'_>, &Visit<'_>) -> Result<String, String>,
) -> Sample {
    let theme = theme().prepare();
    let nonce = Nonce::random(&SeededChance::new(1));
    let languages = pages.language_links(&Offer::Product, |tag| format!("/journeys/x?ui_locales={tag}"));
    let development = Development { mail_href: "/dev/mail".to_owned() };
    let visit = Visit {
        locale,
        theme: &theme,
        nonce: &nonce,
        transport: crate::headers::Transport::HttpsBelow,
        languages: &languages,
        development: Some(&development),
    };
    let say = Say::new(pages.texts(), locale, &theme.theme().product_name);
    let outcome = render(&say, &visit);
    let mut problems = say.into_problems();
    let html = outcome.unwrap_or_else(|error| {
        problems.push(error);
        String::new()
    });
    problems.extend(structure(&html));
    let problems = problems.into_iter().map(|problem| format!("{name} in {}: {problem}", locale.tag()));
    Sample { name: name.to_owned(), problems: problems.collect(), html }
}

/// What is wrong with a page's markup: an input without a label, an id that is pointed at and not there exactly once,
/// too many bytes.
pub(crate) fn structure(html: &str) -> Vec<String> {
    let tags = html::tags(html);
    let mut problems: Vec<String> = tags.iter().filter_map(|tag| unlabelled(tag, &tags)).collect();
    let pointed = tags.iter().flat_map(|tag| {
        ["for", "data-for", "aria-describedby"].into_iter().filter_map(|pointer| tag.get(pointer))
    });
    for id in pointed.flat_map(str::split_whitespace) {
        let count = tags.iter().filter(|tag| tag.get("id") == Some(id)).count();
        if count != 1 {
            problems.push(format!("the id {id} is pointed at and exists {count} times"));
        }
    }
    if html.len() > MOST_BYTES {
        problems.push(format!("the page has {} bytes, more than {MOST_BYTES}", html.len()));
    }
    problems
}

fn unlabelled(tag: &Tag, tags: &[Tag]) -> Option<String> {
    let is_input = matches!(tag.name.as_str(), "input" | "select");
    if !is_input || tag.get("type") == Some("hidden") || tag.get("aria-hidden").is_some() {
        return None;
    }
    let id = tag.get("id").unwrap_or_default();
    let is_labelled = tags.iter().any(|label| label.name == "label" && label.get("for") == Some(id));
    (!is_labelled).then(|| format!("the input {id} has no label"))
}

fn html(page: Result<Page, RenderError>) -> Result<String, String> {
    page.map(|page| page.html).map_err(|error| error.to_string())
}

/// Texts that no sample shows are formatted too, each with all of its variables.
fn formatted(pages: &Pages, locale: &Locale) -> Vec<String> {
    let say = Say::new(pages.texts(), locale, "Acme");
    for key in texts::keys() {
        for value in ["1", "2"] {
            let arguments: BTreeMap<String, String> =
                texts::variables(key).into_iter().map(|name| (name.to_owned(), value.to_owned())).collect();
            say.plain(&Text::Product { key: key.to_owned(), arguments });
        }
    }
    say.into_problems()
}

fn theme() -> Theme {
    Theme {
        support_email: Some("help@acme.example".to_owned()),
        terms: Some("https://acme.example/terms".to_owned()),
        privacy: Some("https://acme.example/privacy".to_owned()),
        ..Theme::named("Acme Bank")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_renders_in_every_language_and_lacks_nothing() {
        assert_eq!(check(&Pages::embedded().unwrap()), Vec::<String>::new());
    }
}

//! Renders every page in every language, strictly: nothing missing, nothing left over.

use std::collections::BTreeMap;

use idflow_core::chance::SeededChance;
use idflow_core::view::Text;

use crate::headers::Nonce;
use crate::journey::{JourneyPage, Progress};
use crate::locale::Locale;
use crate::notice::{Notice, NoticePage};
use crate::onward::OnwardPage;
use crate::pages::{Development, Page, Pages, Visit};
use crate::samples;
use crate::say::Say;
use crate::texts;
use crate::theme::Theme;

/// What a check found: nothing, when every text exists in every language with the same variables and every page
/// renders. For tests, and for `idflow check`.
pub fn check(pages: &Pages) -> Vec<String> {
    let mut problems = texts::differences();
    for locale in pages.texts().locales() {
        problems.extend(rendered(pages, locale).into_iter().flat_map(|sample| sample.problems));
        problems.extend(formatted(pages, locale));
    }
    problems
}

/// A rendered sample.
#[derive(Debug)]
pub struct Sample {
    /// For a file, for example `sign-in`.
    pub name: String,
    /// The document.
    pub html: String,
    /// Texts that were missing or lacked an argument.
    pub problems: Vec<String>,
}

/// Every sample page and mail in one language.
pub fn rendered(pages: &Pages, locale: &Locale) -> Vec<Sample> {
    let theme = theme().prepare();
    let nonce = Nonce::random(&SeededChance::new(1));
    let development = Development { mail_href: "/dev/mail".to_owned() };
    let languages = pages.language_links(|tag| format!("/journeys/x?ui_locales={tag}"));
    let visit =
        Visit { locale, theme: &theme, nonce: &nonce, https: true, languages: &languages, development: None };
    let in_development = Visit { development: Some(&development), ..visit };
    let mut samples = Vec::new();
    let mut add = |name: &str, render: &dyn Fn(&Say<'_>) -> Result<String, String>| {
        let say = Say::new(pages.texts(), locale, &theme.theme().product_name);
        let outcome = render(&say);
        let mut problems: Vec<String> = say.into_problems();
        let html = outcome.unwrap_or_else(|error| {
            problems.push(format!("{name}: {error}"));
            String::new()
        });
        samples.push(Sample { name: name.to_owned(), html, problems });
    };
    for (index, (name, view)) in samples::views().into_iter().enumerate() {
        let page = JourneyPage {
            view: &view,
            action: "/journeys/x",
            token: "sample",
            status: 200,
            can_go_back: index > 1 && !view.actions.is_empty(),
            can_cancel: name.starts_with("sign-up"),
            progress: name.starts_with("sign-up").then_some(Progress { step: 1, of: 3 }),
        };
        let visit = if name == "message" { in_development } else { visit };
        add(name, &|say| html(pages.journey_saying(say, &visit, &page)));
    }
    for notice in Notice::ALL {
        let page =
            NoticePage { notice: *notice, reference: Some("7Q2M-4XKD"), onward: Some("/flows/sign-in") };
        let name = format!("notice-{notice:?}");
        add(&name, &|say| html(pages.notice_saying(say, &visit, &page)));
    }
    let onward = OnwardPage { target: "https://app.example/callback?code=x&state=y", reference: None };
    add("onward", &|say| html(pages.onward_saying(say, &visit, &onward)));
    for (name, mail) in samples::mails(locale.tag()) {
        add(name, &|say| {
            pages.mail_saying(say, &mail, &theme).map(|mail| mail.html).map_err(|error| error.to_string())
        });
    }
    samples
}

fn html(page: Result<Page, crate::pages::RenderError>) -> Result<String, String> {
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

    /// Writes all samples into `idflow-pages` in the temporary folder, to look at them.
    #[test]
    #[ignore = "writes files for people and browsers to look at"]
    fn write_samples() {
        let pages = Pages::embedded().unwrap();
        for locale in ["en", "de", "ar"].map(|tag| Locale::parse(tag).unwrap()) {
            let folder = std::env::temp_dir().join("idflow-pages").join(locale.tag());
            std::fs::create_dir_all(&folder).unwrap();
            for sample in rendered(&pages, &locale) {
                std::fs::write(folder.join(format!("{}.html", sample.name)), sample.html).unwrap();
            }
        }
    }
}

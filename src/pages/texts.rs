//! The product's texts: one Fluent file per language, embedded.

use std::collections::BTreeSet;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use crate::endonyms;
use crate::locale::{self, Locale, Offer, Wishes};

/// Tag and source of each language. English stands first: it is what every other one falls back to. Adding a
/// language is one file and one line; [`crate::check`] says what is missing in it.
const LANGUAGES: &[(&str, &str)] =
    &[("en", include_str!("texts/en.ftl")), ("de", include_str!("texts/de.ftl"))];

/// An embedded text or template is broken: a defect of the build, found by any test that renders.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// A template does not compile.
    #[error("template {0}: {1}")]
    Template(&'static str, minijinja::Error),
    /// A language's texts do not parse.
    #[error("texts of {0}: {1}")]
    Texts(String, String),
}

/// The texts of all languages. Built once; formatting is read-only and may happen on many threads.
pub struct Texts {
    languages: Vec<Language>,
}

struct Language {
    locale: Locale,
    bundle: FluentBundle<FluentResource>,
}

/// A formatted product text.
pub(crate) struct Formatted<'t> {
    /// With Fluent's isolates around the arguments.
    pub text: String,
    /// The locale it was found in.
    pub locale: &'t Locale,
}

impl Texts {
    /// The embedded texts.
    pub fn embedded() -> Result<Self, AssetError> {
        let languages = LANGUAGES.iter().map(|(tag, source)| Language::read(tag, source));
        Ok(Self { languages: languages.collect::<Result<_, _>>()? })
    }

    /// The languages that product texts exist in; English first.
    pub fn locales(&self) -> impl Iterator<Item = &Locale> {
        self.languages.iter().map(|language| &language.locale)
    }

    /// Whether a product text of this key exists (in English, and so, by the check, in every language).
    pub fn has(&self, key: &str) -> bool {
        self.languages.first().is_some_and(|english| english.bundle.has_message(key))
    }

    /// Chooses the language of a page: the best of the visitor's wishes among those on offer; the first of them when
    /// nothing fits.
    pub fn negotiate(&self, wishes: &Wishes<'_>, offer: &Offer) -> Locale {
        locale::negotiate(wishes, &self.offered(offer))
    }

    /// The languages on offer.
    pub fn offered(&self, offer: &Offer) -> Vec<Locale> {
        let mut offered: Vec<Locale> = match offer {
            Offer::Only(languages) => return languages.clone(),
            Offer::Product | Offer::More(_) => self.locales().cloned().collect(),
        };
        if let Offer::More(languages) = offer {
            for language in languages {
                if !offered.contains(language) {
                    offered.push(language.clone());
                }
            }
        }
        offered
    }

    /// The language's own name for itself, for the switch at the foot of a page; the tag of one that we do not know.
    pub fn language_name(&self, tag: &str) -> String {
        let language = self.languages.iter().find(|language| language.locale.tag() == tag);
        let name = language.and_then(|language| language.format("language-name", &FluentArgs::new()).ok());
        name.or_else(|| endonyms::of(tag)).unwrap_or_else(|| tag.to_owned())
    }

    /// Formats a text, in English where the locale has none; notes in `problems` what a check must not find.
    pub(crate) fn format(
        &self,
        locale: &Locale,
        key: &str,
        arguments: &FluentArgs<'_>,
        problems: &mut Vec<String>,
    ) -> Option<Formatted<'_>> {
        let own = self.languages.iter().find(|language| language.locale == *locale);
        let own =
            own.or_else(|| self.languages.iter().find(|language| language.locale.shares_language(locale)));
        for language in own.into_iter().chain(self.languages.first()) {
            match language.format(key, arguments) {
                Ok(text) => return Some(Formatted { text, locale: &language.locale }),
                Err(problem) => problems.push(format!("{}: {key}: {problem}", language.locale.tag())),
            }
        }
        None
    }
}

impl Language {
    fn read(tag: &str, source: &str) -> Result<Self, AssetError> {
        let locale =
            Locale::parse(tag).ok_or_else(|| AssetError::Texts(tag.to_owned(), "no language".to_owned()))?;
        let resource = FluentResource::try_new(source.to_owned())
            .map_err(|(_, errors)| AssetError::Texts(tag.to_owned(), format!("{errors:?}")))?;
        let mut bundle = FluentBundle::new_concurrent(vec![
            AsRef::<unic_langid::LanguageIdentifier>::as_ref(&locale).clone(),
        ]);
        bundle
            .add_resource(resource)
            .map_err(|errors| AssetError::Texts(tag.to_owned(), format!("{errors:?}")))?;
        Ok(Self { locale, bundle })
    }

    fn format(&self, key: &str, arguments: &FluentArgs<'_>) -> Result<String, String> {
        let message = self.bundle.get_message(key).ok_or("no such text")?;
        let pattern = message.value().ok_or("the text is empty")?;
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(arguments), &mut errors);
        if errors.is_empty() { Ok(text.into_owned()) } else { Err(format!("{errors:?}")) }
    }
}

/// The languages that product texts exist in, English first.
pub fn tags() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|(tag, _)| *tag)
}

/// The keys of all product texts, sorted.
pub fn keys() -> BTreeSet<&'static str> {
    LANGUAGES.first().map(|(_, source)| messages(source).map(|(key, _)| key).collect()).unwrap_or_default()
}

/// The variables a product text may use, besides `product`, in any language; sorted.
pub fn variables(key: &str) -> BTreeSet<&'static str> {
    let sources = LANGUAGES.iter().flat_map(|(_, source)| messages(source));
    let patterns = sources.filter(|(found, _)| *found == key).map(|(_, pattern)| pattern);
    patterns.flat_map(placeholders).filter(|name| *name != "product").collect()
}

/// What keeps the languages from being the same set of texts with the same variables.
pub(crate) fn differences() -> Vec<String> {
    let Some(((_, english), others)) = LANGUAGES.split_first() else { return Vec::new() };
    let mut problems = Vec::new();
    for (tag, source) in others {
        let (wanted, found): (BTreeSet<_>, BTreeSet<_>) = (signatures(english), signatures(source));
        problems
            .extend(wanted.difference(&found).map(|(key, used)| format!("{tag} lacks {key} with {used:?}")));
        problems.extend(
            found.difference(&wanted).map(|(key, used)| format!("{tag} has {key} with {used:?} of its own")),
        );
    }
    problems
}

fn signatures(source: &str) -> BTreeSet<(&str, BTreeSet<&str>)> {
    messages(source).map(|(key, pattern)| (key, placeholders(pattern).collect())).collect()
}

/// The messages of a Fluent source: a message starts at the beginning of a line and runs to the next one.
fn messages(source: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_start = |line: &str| line.starts_with(|c: char| c.is_ascii_lowercase());
    let mut rest = source;
    std::iter::from_fn(move || {
        while !rest.is_empty() && !is_start(rest) {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        }
        let (key, pattern) = rest.split_once(" =")?;
        let end = pattern
            .match_indices('\n')
            .find(|(at, _)| !pattern[at + 1..].starts_with([' ', '\n', '}']))
            .map_or(pattern.len(), |(at, _)| at + 1);
        rest = &pattern[end..];
        Some((key, &pattern[..end]))
    })
}

fn placeholders(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('$').skip(1).map(|rest| {
        let end =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_variables_are_known_without_rendering() {
        assert!(keys().contains("password-title"));
        assert_eq!(variables("weakness-too-short").into_iter().collect::<Vec<_>>(), ["minimum"]);
        let texts = Texts::embedded().unwrap();
        assert!(keys().iter().all(|key| texts.has(key)), "the two ways of finding keys agree");
    }

    #[test]
    fn every_language_has_every_text_with_the_same_variables() {
        assert_eq!(differences(), Vec::<String>::new());
    }

    #[test]
    fn a_flow_offers_its_own_languages_besides_the_products_or_instead() {
        let texts = Texts::embedded().unwrap();
        let chosen = |header: &str, languages: &[&str], promised| {
            let languages: Vec<String> = languages.iter().map(|tag| (*tag).to_owned()).collect();
            let wishes = Wishes { accept_language: Some(header), ..Wishes::default() };
            texts.negotiate(&wishes, &Offer::of(&languages, promised)).tag().to_owned()
        };
        assert_eq!(chosen("fr-FR, de;q=0.5", &["fr"], false), "fr");
        assert_eq!(chosen("de, fr;q=0.5", &["fr"], false), "de");
        assert_eq!(chosen("de, fr;q=0.5", &["ar", "fr"], true), "fr", "German is not promised");
        assert_eq!(chosen("ja", &["ar", "fr"], true), "ar", "the first one");
        assert_eq!(chosen("de", &["nonsense tag"], true), "de");
        assert_eq!([texts.language_name("de"), texts.language_name("ar-EG")], ["Deutsch", "العربية (EG)"]);
        assert_eq!(texts.language_name("tlh"), "tlh");
    }
}

//! Which language a visitor reads, and in which direction it runs.

use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::{CharacterDirection, LanguageIdentifier};

/// At most this many wishes count: nobody reads more languages, and a header may hold thousands.
const MOST_WISHES: usize = 20;

/// The locale of one page or mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale {
    id: LanguageIdentifier,
    tag: String,
}

impl Locale {
    /// English, the language every product text exists in.
    pub fn english() -> Self {
        Self::new("en".parse().unwrap_or_default())
    }

    /// Reads a BCP 47 language tag; nothing when it is none.
    pub fn parse(tag: &str) -> Option<Self> {
        tag.trim().parse().ok().map(Self::new)
    }

    fn new(id: LanguageIdentifier) -> Self {
        Self { tag: id.to_string(), id }
    }

    /// The BCP 47 tag, for `lang` attributes.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// `ltr` or `rtl`, for `dir` attributes.
    pub fn direction(&self) -> &'static str {
        match self.id.character_direction() {
            CharacterDirection::RTL => "rtl",
            _ => "ltr",
        }
    }

    /// Whether it names a language at all; `und` does not.
    pub(crate) fn is_language(&self) -> bool {
        !self.id.language.is_empty()
    }

    /// Whether a text in the other locale reads as this page's language, whatever the region.
    pub(crate) fn shares_language(&self, other: &Self) -> bool {
        self.id.language == other.id.language
    }
}

impl AsRef<LanguageIdentifier> for Locale {
    fn as_ref(&self) -> &LanguageIdentifier {
        &self.id
    }
}

/// What is known about the languages a visitor wants, the strongest wish first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes<'a> {
    /// `ui_locales` of the authorization request or the page's own switch: tags separated by spaces (OpenID Connect
    /// Core 3.1.2.1).
    pub ui_locales: Option<&'a str>,
    /// What the visitor chose before.
    pub saved: Option<&'a str>,
    /// The `Accept-Language` header (RFC 9110 section 12.5.4).
    pub accept_language: Option<&'a str>,
}

/// The languages that a page can be in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Offer {
    /// Those that product texts exist in.
    #[default]
    Product,
    /// Those, and some that a flow's own texts are in.
    More(Vec<Locale>),
    /// Those that a flow promises, the default first. Product texts that lack one fall back one by one.
    Only(Vec<Locale>),
}

impl Offer {
    /// What a flow offers whose texts are in these languages, and which promises them or not.
    pub fn of(languages: &[String], promised: bool) -> Self {
        let languages: Vec<Locale> = languages.iter().filter_map(|tag| Locale::parse(tag)).collect();
        match (languages.is_empty(), promised) {
            (true, _) => Self::Product,
            (false, true) => Self::Only(languages),
            (false, false) => Self::More(languages),
        }
    }
}

impl Wishes<'_> {
    fn in_order(&self) -> Vec<LanguageIdentifier> {
        let explicit = self.ui_locales.into_iter().flat_map(str::split_ascii_whitespace).chain(self.saved);
        let mut wishes: Vec<LanguageIdentifier> =
            explicit.take(MOST_WISHES).filter_map(|tag| tag.trim().parse().ok()).collect();
        wishes.extend(by_quality(self.accept_language.unwrap_or_default()));
        wishes
    }
}

/// Picks the available locale that fits best; the first available one when none fits.
pub(crate) fn negotiate(wishes: &Wishes<'_>, available: &[Locale]) -> Locale {
    let wishes = wishes.in_order();
    let found = negotiate_languages(&wishes, available, available.first(), NegotiationStrategy::Lookup);
    found.first().map_or_else(Locale::english, |locale| (*locale).clone())
}

/// The languages of an `Accept-Language` header, most wanted first; those refused with `q=0` are left out.
fn by_quality(header: &str) -> Vec<LanguageIdentifier> {
    let mut ranked: Vec<(u16, LanguageIdentifier)> = header
        .split(',')
        .take(MOST_WISHES)
        .filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let id = parts.next()?.parse().ok()?;
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
            (quality > 0).then_some((quality, id))
        })
        .collect();
    ranked.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    ranked.into_iter().map(|(_, id)| id).collect()
}

/// A quality value in thousandths; what is no quality value counts as refused.
fn thousandths(quality: &str) -> u16 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return 0;
    }
    match whole {
        "1" => 1000,
        "0" => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(wishes: Wishes<'_>) -> String {
        let available = ["en", "de", "fr-CA"].map(|tag| Locale::parse(tag).unwrap());
        negotiate(&wishes, &available).tag().to_owned()
    }

    #[test]
    fn the_request_wins_over_the_saved_choice_and_that_over_the_browser() {
        let all = Wishes { ui_locales: Some("xx fr"), saved: Some("de"), accept_language: Some("en") };
        assert_eq!(chosen(all), "fr-CA");
        assert_eq!(chosen(Wishes { ui_locales: Some("xx"), ..all }), "de");
        assert_eq!(chosen(Wishes { ui_locales: None, saved: None, ..all }), "en");
    }

    #[test]
    fn accept_language_goes_by_quality_not_by_order() {
        let header = |header| chosen(Wishes { accept_language: Some(header), ..Wishes::default() });
        assert_eq!(header("en;q=0.5, de-AT;q=0.9"), "de");
        assert_eq!(header("de;q=0, en;q=0.1"), "en");
        assert_eq!(header("ja, de;q=0.25"), "de");
        assert_eq!(header("de-CH-1996, en;q=0.8"), "de");
        for nothing_usable in ["", "*", "q", ";;;,,,", "de;q=2", "\u{0}", &"de-".repeat(5000)] {
            assert_eq!(header(nothing_usable), "en", "{nothing_usable:.20}");
        }
    }

    #[test]
    fn writing_direction_follows_the_language_and_its_script() {
        for (tag, direction) in
            [("en", "ltr"), ("ar", "rtl"), ("he-IL", "rtl"), ("fa", "rtl"), ("uz-Arab", "rtl")]
        {
            assert_eq!(Locale::parse(tag).unwrap().direction(), direction, "{tag}");
        }
    }
}

//! How pages look. A theme is typed data (checklist B-4): colours, a picture, names; never CSS, HTML or script.

use std::fmt::Write as _;

use minijinja::Value;

use crate::color::Color;
use crate::markup;
use crate::palette::Palette;
pub use crate::palette::{Colors, ContrastProblem, Mode};

/// The rules that are the same for every theme; colours come in by custom properties.
const RULES: &str = include_str!("assets/page.css");

/// What a tenant decides about its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// The name of what visitors sign in to. Shown where there is no logo, in titles and in mails.
    pub product_name: String,
    /// The logo. Absent: the product's name in letters.
    pub logo: Option<Logo>,
    /// Colours on light screens.
    pub light: Colors,
    /// Colours on dark screens.
    pub dark: Colors,
    /// The radius of corners in CSS pixels; at most 32 count.
    pub radius: u8,
    /// Which letters are used.
    pub font: Font,
    /// Whom error pages name for help.
    pub support_email: Option<String>,
    /// Terms of use: an https address. Anything else is left out (checklist B-2).
    pub terms: Option<String>,
    /// Privacy notice: an https address. Anything else is left out (checklist B-2).
    pub privacy: Option<String>,
}

impl Theme {
    /// The built-in look under a name.
    pub fn named(product_name: impl Into<String>) -> Self {
        Self { product_name: product_name.into(), ..Self::default() }
    }

    /// Turns the theme into what pages are rendered with. Do this once per theme, not per page.
    pub fn prepare(self) -> PreparedTheme {
        PreparedTheme::new(self)
    }

    /// The whole style sheet of a page with this theme.
    pub fn stylesheet(&self) -> String {
        let radius = self.radius.min(32);
        let mut css = format!(
            ":root{{color-scheme:light dark;--radius:{radius}px;--font:{};{}}}",
            self.font.stack(),
            Palette::of(&self.light, Mode::Light).properties(),
        );
        let dark = Palette::of(&self.dark, Mode::Dark).properties();
        let _ = write!(css, "@media(prefers-color-scheme:dark){{:root{{{dark}}}}}");
        let rules = RULES.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("/*"));
        css.extend(rules);
        css
    }
}

/// Pairs of a theme's colours below WCAG 2.2 AA: 4.5:1 for text, 3:1 for buttons on the card. A mode with a problem
/// is shown in the built-in colours.
pub fn contrast_problems(theme: &Theme) -> Vec<ContrastProblem> {
    let mut problems = Palette::chosen(&theme.light, Mode::Light).problems(Mode::Light);
    problems.extend(Palette::chosen(&theme.dark, Mode::Dark).problems(Mode::Dark));
    problems
}

impl Default for Theme {
    fn default() -> Self {
        Self {
            product_name: "idflow".to_owned(),
            logo: None,
            light: Colors::default(),
            dark: Colors::default(),
            radius: 8,
            font: Font::System,
            support_email: None,
            terms: None,
            privacy: None,
        }
    }
}

/// Which letters are used; only fonts that visitors already have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Font {
    /// What the visitor's system uses for its own windows.
    System,
    /// With serifs.
    Serif,
    /// Without serifs.
    SansSerif,
    /// All letters of one width.
    Monospace,
}

impl Font {
    const fn stack(self) -> &'static str {
        match self {
            Self::System => {
                "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Helvetica Neue',Arial,sans-serif"
            }
            Self::Serif => "'Iowan Old Style',Georgia,Cambria,'Noto Serif','Times New Roman',serif",
            Self::SansSerif => "'Helvetica Neue',Helvetica,Arial,'Noto Sans',sans-serif",
            Self::Monospace => "ui-monospace,'SF Mono',Menlo,Consolas,'Noto Sans Mono',monospace",
        }
    }
}

/// A logo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    source: String,
    /// What it shows, for people who do not see it. Absent: the product's name.
    pub alt: Option<String>,
}

/// The address was neither an https URL, a path on this origin, nor a base64 data URI of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a logo: expected an https address, a path such as /logo.svg, or data:image/(png|jpeg|webp|svg+xml);base64,…"
)]
pub struct InvalidLogo;

impl Logo {
    /// A logo from an https URL, a path on this origin, or a base64 data URI (checklist B-2).
    pub fn parse(source: &str, alt: Option<String>) -> Result<Self, InvalidLogo> {
        let is_own_path = source.starts_with('/') && !source.starts_with("//") && !source.contains('\\');
        let is_plain = source.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>".contains(&byte));
        if is_plain && (is_own_path || is_https(source) || is_picture(source)) {
            return Ok(Self { source: source.to_owned(), alt });
        }
        Err(InvalidLogo)
    }

    /// Where the browser gets it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The foreign origin it is loaded from, which the page's policy must then allow.
    pub(crate) fn origin(&self) -> Option<&str> {
        let rest = self.source.strip_prefix("https://")?;
        let host = rest.split(['/', '?', '#']).next()?;
        // Neither a second source nor a second directive may hide in the host.
        let is_host =
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b));
        is_host.then(|| &self.source[.."https://".len() + host.len()])
    }
}

fn is_https(address: &str) -> bool {
    address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '\\']))
}

fn is_picture(source: &str) -> bool {
    let Some((kind, data)) = source.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"))
    else {
        return false;
    };
    let is_base64 = data.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    matches!(kind, "png" | "jpeg" | "webp" | "svg+xml") && is_base64 && !data.is_empty()
}

/// A theme with everything computed that does not change from page to page.
#[derive(Debug, Clone)]
pub struct PreparedTheme {
    theme: Theme,
    stylesheet: Value,
    image_sources: String,
    screens: [Color; 2],
}

impl PreparedTheme {
    fn new(mut theme: Theme) -> Self {
        theme.terms = theme.terms.filter(|address| is_https(address));
        theme.privacy = theme.privacy.filter(|address| is_https(address));
        let origin = theme.logo.as_ref().and_then(Logo::origin).unwrap_or_default();
        Self {
            stylesheet: markup::value(theme.stylesheet()),
            image_sources: format!("'self' data: {origin}").trim_end().to_owned(),
            screens: [
                Palette::of(&theme.light, Mode::Light).background,
                Palette::of(&theme.dark, Mode::Dark).background,
            ],
            theme,
        }
    }

    /// The theme it was prepared from.
    pub fn theme(&self) -> &Theme {
        &self.theme
    }

    /// The whole style sheet, shared by all pages.
    pub(crate) fn style_value(&self) -> Value {
        self.stylesheet.clone()
    }

    /// The page's background on light and on dark screens, for the browser's own frame.
    pub(crate) fn screens(&self) -> [String; 2] {
        self.screens.map(|color| color.to_string())
    }

    /// The value of `img-src`.
    pub(crate) fn image_sources(&self) -> &str {
        &self.image_sources
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_primary(primary: u32) -> Theme {
        let colors = Colors { primary: Some(Color::hex(primary)), ..Colors::default() };
        Theme { light: colors, ..Theme::default() }
    }

    #[test]
    fn the_built_in_theme_can_be_read() {
        assert_eq!(contrast_problems(&Theme::default()), []);
    }

    #[test]
    fn a_mode_that_cannot_be_read_is_reported_and_not_shown() {
        let pale = with_primary(0x00ff_f3c4);
        let problems = contrast_problems(&pale);
        assert_eq!(problems.iter().map(|problem| problem.pair).collect::<Vec<_>>(), [("primary", "surface")]);
        assert_eq!(pale.stylesheet(), Theme::default().stylesheet());
    }

    #[test]
    fn text_on_a_button_is_black_or_white_whichever_is_easier_to_read() {
        assert!(with_primary(0x00c2_8400).stylesheet().contains("--on-primary:#000000"));
        assert!(with_primary(0x0000_5b4f).stylesheet().contains("--on-primary:#ffffff"));
    }

    #[test]
    fn b_2_a_logo_is_an_https_address_an_own_path_or_a_picture() {
        let parse = |source: &str| Logo::parse(source, None);
        for good in ["https://cdn.example/l.svg", "/logo.svg", "data:image/png;base64,iVBORw0KGgo="] {
            assert!(parse(good).is_ok(), "{good}");
        }
        let bad = [
            "",
            "http://cdn.example/l",
            "//evil.example/l",
            "/\\evil.example",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "data:text/html;base64,PHA+",
            "data:image/svg+xml,<svg>",
            "data:image/png;base64,",
            "https://a b",
        ];
        for bad in bad {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn b_3_a_logo_adds_its_origin_to_the_policy_and_nothing_else() {
        let origin = |source: &str| Logo::parse(source, None).unwrap().origin().map(str::to_owned);
        assert_eq!(origin("https://cdn.example:8443/a?b#c").as_deref(), Some("https://cdn.example:8443"));
        assert_eq!(origin("https://*.example;script-src/x"), None);
        assert_eq!(origin("/logo.svg"), None);
    }

    #[test]
    fn b_2_links_with_another_scheme_are_left_out() {
        let theme = Theme { terms: Some("javascript:alert(1)".to_owned()), ..Theme::default() };
        assert_eq!(theme.prepare().theme().terms, None);
    }
}

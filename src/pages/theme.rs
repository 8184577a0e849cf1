//! How pages look. A theme is typed data (checklist B-4): colours, a picture, names; never CSS, HTML or script.

use std::fmt::Write as _;

use minijinja::Value;

use crate::color::Color;
use crate::markup;

/// The rules that are the same for every theme; colours come in by custom properties.
const RULES: &str = include_str!("assets/page.css");

/// The ratio WCAG 2.2 asks for text (1.4.3).
const TEXT: f64 = 4.5;
/// The ratio WCAG 2.2 asks for the outlines of controls (1.4.11).
const CONTROL: f64 = 3.0;

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

/// The colours a tenant chose for one mode; absent ones are the built-in ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Colors {
    /// Buttons and links.
    pub primary: Option<Color>,
    /// Text on buttons. Absent: black or white, whichever is easier to read.
    pub on_primary: Option<Color>,
    /// The page behind the card.
    pub background: Option<Color>,
    /// The card.
    pub surface: Option<Color>,
    /// Text.
    pub text: Option<Color>,
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

/// Which screens a palette is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Light screens.
    Light,
    /// Dark screens.
    Dark,
}

/// Two colours that are hard to tell apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContrastProblem {
    /// On which screens.
    pub mode: Mode,
    /// The two colours by name, for example `text` on `surface`.
    pub pair: (&'static str, &'static str),
    /// Their contrast ratio.
    pub ratio: f64,
    /// The ratio needed (WCAG 2.2 AA).
    pub needed: f64,
}

/// Pairs of a theme's colours below WCAG 2.2 AA: 4.5:1 for text, 3:1 for buttons on the card. A mode with a problem
/// is shown in the built-in colours.
pub fn contrast_problems(theme: &Theme) -> Vec<ContrastProblem> {
    let mut problems = Palette::chosen(&theme.light, Mode::Light).problems(Mode::Light);
    problems.extend(Palette::chosen(&theme.dark, Mode::Dark).problems(Mode::Dark));
    problems
}

/// The colours of one mode that all others are derived from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    pub primary: Color,
    pub on_primary: Color,
    pub background: Color,
    pub surface: Color,
    pub text: Color,
    signals: Signals,
}

#[derive(Debug, Clone, Copy)]
struct Signals {
    error: Color,
    warning: Color,
    success: Color,
}

const LIGHT: Palette = Palette {
    primary: Color::hex(0x001f_4fa3),
    on_primary: Color::WHITE,
    background: Color::hex(0x00f3_f5f9),
    surface: Color::WHITE,
    text: Color::hex(0x0016_1d2b),
    signals: Signals {
        error: Color::hex(0x00b3_1b1b),
        warning: Color::hex(0x008f_5b00),
        success: Color::hex(0x001b_7340),
    },
};

const DARK: Palette = Palette {
    primary: Color::hex(0x009c_bcff),
    on_primary: Color::hex(0x000b_1a38),
    background: Color::hex(0x000e_1219),
    surface: Color::hex(0x0018_1e29),
    text: Color::hex(0x00e8_ecf3),
    signals: Signals {
        error: Color::hex(0x00ff_9d94),
        warning: Color::hex(0x00f0_be5e),
        success: Color::hex(0x007f_d6a0),
    },
};

impl Palette {
    /// The chosen colours, or the built-in ones when a pair of them is hard to tell apart.
    pub(crate) fn of(colors: &Colors, mode: Mode) -> Self {
        let chosen = Self::chosen(colors, mode);
        if chosen.problems(mode).is_empty() { chosen } else { Self::built_in(mode) }
    }

    const fn built_in(mode: Mode) -> Self {
        match mode {
            Mode::Light => LIGHT,
            Mode::Dark => DARK,
        }
    }

    fn chosen(colors: &Colors, mode: Mode) -> Self {
        let base = Self::built_in(mode);
        let primary = colors.primary.unwrap_or(base.primary);
        let ink = if colors.primary.is_some() { primary.ink() } else { base.on_primary };
        Self {
            primary,
            on_primary: colors.on_primary.unwrap_or(ink),
            background: colors.background.unwrap_or(base.background),
            surface: colors.surface.unwrap_or(base.surface),
            text: colors.text.unwrap_or(base.text),
            signals: base.signals,
        }
    }

    fn problems(&self, mode: Mode) -> Vec<ContrastProblem> {
        let pairs = [
            (("text", "surface"), self.text.contrast(self.surface), TEXT),
            (("text", "background"), self.text.contrast(self.background), TEXT),
            (("onPrimary", "primary"), self.on_primary.contrast(self.primary), TEXT),
            (("primary", "surface"), self.primary.contrast(self.surface), CONTROL),
        ];
        let low = pairs.into_iter().filter(|(_, ratio, needed)| ratio < needed);
        low.map(|(pair, ratio, needed)| ContrastProblem { mode, pair, ratio, needed }).collect()
    }

    /// Every colour of the style sheet, as custom properties. What is derived is readable by construction.
    fn properties(&self) -> String {
        let grounds = [self.surface, self.background];
        let mut css = String::new();
        let mut set = |name: &str, color: Color| {
            let _ = write!(css, "--{name}:{color};");
        };
        set("page", self.background);
        set("card", self.surface);
        set("text", self.text);
        set("muted", self.surface.mixed(self.text, 62).readable_on(&grounds, TEXT, self.text));
        set("line", self.surface.mixed(self.text, 14));
        set("border", self.surface.mixed(self.text, 42).readable_on(&grounds, CONTROL, self.text));
        set("primary", self.primary);
        set("hover", self.primary.mixed(self.text, 14).readable_on(&[self.on_primary], TEXT, self.primary));
        set("on-primary", self.on_primary);
        let tint = self.surface.mixed(self.primary, 8);
        set("tint", tint);
        set("link", self.primary.readable_on(&[self.surface, self.background, tint], TEXT, self.text));
        let signals = [
            ("error", self.signals.error),
            ("warning", self.signals.warning),
            ("success", self.signals.success),
        ];
        for (name, signal) in signals {
            let soft = self.surface.mixed(signal, 8);
            set(name, signal.readable_on(&[self.surface, soft], TEXT, self.text));
            set(&format!("{name}-soft"), soft);
        }
        css
    }
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

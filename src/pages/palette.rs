//! From the few colours a tenant chooses to all that a page needs, each readable on its ground.

use std::fmt::Write as _;

use crate::color::Color;

/// The ratio WCAG 2.2 asks for text (1.4.3).
const TEXT: f64 = 4.5;
/// The ratio WCAG 2.2 asks for the outlines of controls (1.4.11).
const CONTROL: f64 = 3.0;

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

    pub(crate) fn chosen(colors: &Colors, mode: Mode) -> Self {
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

    pub(crate) fn problems(&self, mode: Mode) -> Vec<ContrastProblem> {
        let pairs = [
            (("text", "surface"), self.text.contrast(self.surface), TEXT),
            (("text", "background"), self.text.contrast(self.background), TEXT),
            (("onPrimary", "primary"), self.on_primary.contrast(self.primary), TEXT),
            (("primary", "surface"), self.primary.contrast(self.surface), CONTROL),
        ];
        let low = pairs.into_iter().filter(|(_, ratio, needed)| ratio < needed);
        low.map(|(pair, ratio, needed)| ContrastProblem { mode, pair, ratio, needed }).collect()
    }

    /// Every colour of the style sheet, as custom properties. What is derived moves towards the text until it can be
    /// read.
    pub(crate) fn properties(&self) -> String {
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

//! Colours and how well they can be told apart (WCAG 2.2, relative luminance and contrast ratio).

use std::fmt;
use std::str::FromStr;

/// An opaque sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

/// The text was not a colour: `#rrggbb` was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a colour: expected #rrggbb")]
pub struct InvalidColor;

impl Color {
    /// Black.
    pub const BLACK: Self = Self::hex(0x0000_0000);
    /// White.
    pub const WHITE: Self = Self::hex(0x00ff_ffff);

    /// The colour `0xRRGGBB`.
    pub const fn hex(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self { red, green, blue }
    }

    /// The contrast ratio to another colour, from 1 to 21 (WCAG 2.2, "contrast ratio").
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// This colour with `percent` of another mixed in.
    #[must_use]
    pub fn mixed(self, other: Self, percent: u8) -> Self {
        let share = u16::from(percent.min(100));
        let mix = |from: u8, to: u8| {
            let sum = u16::from(from) * (100 - share) + u16::from(to) * share + 50;
            u8::try_from(sum / 100).unwrap_or(u8::MAX)
        };
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }

    /// This colour, moved towards another one only as far as it needs to reach `ratio` against all grounds.
    #[must_use]
    pub fn readable_on(self, grounds: &[Self], ratio: f64, towards: Self) -> Self {
        let reaches = |color: &Self| grounds.iter().all(|ground| color.contrast(*ground) >= ratio);
        (0..=100).step_by(4).map(|percent| self.mixed(towards, percent)).find(reaches).unwrap_or(towards)
    }

    /// Black or white, whichever can be read better on this colour.
    #[must_use]
    pub fn ink(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl FromStr for Color {
    type Err = InvalidColor;

    fn from_str(text: &str) -> Result<Self, InvalidColor> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(InvalidColor)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidColor);
        }
        u32::from_str_radix(digits, 16).map(Self::hex).map_err(|_| InvalidColor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((Color::BLACK.contrast(Color::WHITE) - 21.0).abs() < 0.001);
        let grey: Color = "#767676".parse().unwrap();
        assert!((grey.contrast(Color::WHITE) - 4.54).abs() < 0.01, "the lightest grey that passes on white");
    }

    #[test]
    fn a_colour_is_six_hexadecimal_digits_and_nothing_else() {
        assert_eq!("#0A7bFf".parse::<Color>().unwrap().to_string(), "#0a7bff");
        for wrong in ["", "#fff", "0a7bff", "#0a7bfg", "#+a7bff", "red", "#0a7bff;}body{", "#ääb"] {
            assert!(wrong.parse::<Color>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pale_colour_is_darkened_only_as_far_as_needed() {
        let yellow = Color::hex(0x00ff_d500);
        let readable = yellow.readable_on(&[Color::WHITE], 4.5, Color::BLACK);
        assert!((4.5..6.0).contains(&readable.contrast(Color::WHITE)), "{readable}");
        let navy = Color::hex(0x0000_0080);
        assert_eq!(navy.readable_on(&[Color::WHITE], 4.5, Color::BLACK), navy);
    }
}

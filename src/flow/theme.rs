//! A `Theme` object as the pages take it.

use idflow_api::theme::{FontStack, Palette, ThemeSpec};
use idflow_pages::color::Color;
use idflow_pages::theme::{Colors, Font, Logo, Theme};

/// The look that a Theme asks for. What cannot be used of it is left out: a page in built-in colours serves
/// visitors better than none.
pub fn theme(spec: &ThemeSpec) -> Theme {
    let built_in = Theme::default();
    let colors = spec.colors.clone().unwrap_or_default();
    let links = spec.links.clone().unwrap_or_default();
    let logo = spec.logo.as_ref().and_then(|logo| {
        let source = logo.data.as_deref().or(logo.url.as_deref())?;
        Logo::parse(source, logo.alt.clone()).ok()
    });
    Theme {
        product_name: spec.product_name.clone().unwrap_or(built_in.product_name),
        logo,
        light: colors.light.as_ref().map_or(built_in.light, palette),
        dark: colors.dark.as_ref().map_or(built_in.dark, palette),
        radius: spec.radius.and_then(|radius| u8::try_from(radius).ok()).unwrap_or(built_in.radius),
        font: spec.font_stack.map_or(built_in.font, font),
        support_email: spec.support_email.clone(),
        terms: links.terms,
        privacy: links.privacy,
    }
}

fn palette(palette: &Palette) -> Colors {
    let color = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Color>().ok());
    Colors {
        primary: color(&palette.primary),
        on_primary: color(&palette.on_primary),
        background: color(&palette.background),
        surface: color(&palette.surface),
        text: color(&palette.text),
    }
}

fn font(stack: FontStack) -> Font {
    match stack {
        FontStack::System => Font::System,
        FontStack::Serif => Font::Serif,
        FontStack::SansSerif => Font::SansSerif,
        FontStack::Monospace => Font::Monospace,
    }
}

//! The flow's own texts on pages.

use idflow_core::view::Text;
use idflow_engine::context::Cx;
use idflow_engine::turn::Fault;
use idflow_flow::facts::Sink;
use idflow_flow::plan::{AuthoredText, Compiler};

/// Compiles a text that a page shows, if the setting is there.
pub fn on_page(
    compiler: &mut Compiler<'_>,
    pointer: impl Into<String>,
    key: Option<&str>,
) -> Option<AuthoredText> {
    key.map(|key| compiler.text(pointer, key, Sink::Page))
}

/// The flow's text on a last page, or else the product's.
pub fn or_product_at_last(cx: &Cx<'_>, text: Option<&AuthoredText>, product: &str) -> Result<Text, Fault> {
    text.map_or_else(|| Ok(Text::product(product)), |text| cx.rendered(text))
}

/// The flow's text, or else the product's.
pub fn or_product(cx: &Cx<'_>, text: Option<&AuthoredText>, product: &str) -> Result<Text, Fault> {
    text.map_or_else(|| Ok(Text::product(product)), |text| cx.text(text))
}

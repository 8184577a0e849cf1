//! The flow's own texts on pages.

use idflow_core::view::Text;
use idflow_engine::bind::{AuthoredText, BindError, Binder};
use idflow_engine::context::Cx;
use idflow_engine::turn::Fault;
use idflow_flow::kinds::{Sink, TextUse};

/// The use of a text on a page, if the setting is there.
pub fn page_text(pointer: &str, key: Option<&str>) -> Vec<TextUse> {
    let used = |key: &str| TextUse { pointer: pointer.to_owned(), key: key.to_owned(), sink: Sink::Page };
    key.map(used).into_iter().collect()
}

/// Compiles a text, if the setting is there.
pub fn bind(key: Option<&str>, binder: &Binder<'_>) -> Result<Option<AuthoredText>, BindError> {
    key.map(|key| binder.text(key)).transpose()
}

/// The flow's text, or else the product's.
pub fn or_product(cx: &Cx<'_>, text: Option<&AuthoredText>, product: &str) -> Result<Text, Fault> {
    text.map_or_else(|| Ok(Text::product(product)), |text| cx.text(text))
}

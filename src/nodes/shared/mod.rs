//! What several node kinds need. A node never imports another node.

pub mod action;
pub mod address;
pub mod answer;
pub mod asker;
pub mod attributes;
pub mod code;
pub mod enter;
pub mod entry;
pub mod guards;
pub mod notice;
pub mod settings;
pub mod text;
pub mod throttle;

use idflow_core::view::{Message, Severity, Text};
use idflow_engine::turn::Fault;

/// An answer arrived that this node did not ask for: a defect of the driver, never of the visitor.
pub fn answer_mismatch(kind: &str) -> Fault {
    Fault::new(format!("{kind} was given an event it does not expect"))
}

/// What a page says when a button was pressed that it does not have.
pub fn no_such_action() -> Message {
    Message { severity: Severity::Error, text: Text::product("error-action") }
}

/// A name as the keys of texts write it: `oneTimeCode` becomes `one-time-code`.
pub fn kebab_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

//! Mail addresses that expressions yield.

use idflow_core::{Value, name};
use idflow_engine::context::Cx;
use idflow_engine::turn::Fault;
use idflow_sandbox::Expression;

/// The address an expression yields: one that somebody can have, or whatever the user's account has. The message of the
/// fault names no address.
pub fn evaluated(cx: &mut Cx<'_>, expression: &Expression) -> Result<String, Fault> {
    let is_kept = own_attributes(expression).is_some();
    let address = match cx.evaluate(expression)? {
        Value::String(text) if is_kept => name::kept_address(&text),
        Value::String(text) => name::address(&text),
        _ => None,
    };
    address.ok_or_else(|| Fault::new("the expression for the mail address yields no address"))
}

/// The attributes of the identified user that are all an expression can give; nothing when it may give something else,
/// which may be what the visitor chose: reading that proves nothing about the user.
pub fn own_attributes(expression: &Expression) -> Option<Vec<&str>> {
    expression.origins()?.iter().map(|path| attribute(path)).collect()
}

fn attribute(path: &[String]) -> Option<&str> {
    match path {
        [root, attribute] if root == "user" => Some(attribute),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x_13_nothing_that_could_become_a_second_recipient_is_an_address() {
        for address in ["ada@example.org", "a+b@mail.example.co.uk", "åsa@exämple.se", "root@localhost"] {
            assert!(name::address(address).is_some(), "{address}");
        }
        for address in
            ["", "ada", "@example.org", "ada@", "a@b@c", "a@b,c@d", "a@b\r\nBcc: c@d", "A <a@b>", "a@b..c"]
        {
            assert!(name::address(address).is_none(), "{address:?}");
            assert!(name::kept_address(address).is_none(), "{address:?}");
        }
    }
}

//! Mail addresses that expressions yield.

use idflow_core::Value;
use idflow_engine::context::Cx;
use idflow_engine::turn::Fault;
use idflow_sandbox::Expression;

/// The address an expression yields. The message of the fault names no address.
pub fn evaluated(cx: &mut Cx<'_>, expression: &Expression) -> Result<String, Fault> {
    match cx.evaluate(expression)? {
        Value::String(address) if is_plausible(&address) => Ok(address.trim().to_owned()),
        _ => Err(Fault::new("the expression for the mail address yields no address")),
    }
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

/// Whether a text can be a mail address: the precise check is the code that is mailed to it.
pub fn is_plausible(address: &str) -> bool {
    let address = address.trim();
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let is_clean = |c: char| {
        !c.is_whitespace() && !c.is_control() && !matches!(c, ',' | ';' | '<' | '>' | '"' | '(' | ')')
    };
    address.len() <= 254
        && !local.is_empty()
        && !local.contains('@')
        && domain.split('.').all(|label| !label.is_empty())
        && address.chars().all(is_clean)
}

#[cfg(test)]
mod tests {
    use super::is_plausible;

    #[test]
    fn x_13_nothing_that_could_become_a_second_recipient_is_an_address() {
        for address in ["ada@example.org", "a+b@mail.example.co.uk", "åsa@exämple.se", "root@localhost"] {
            assert!(is_plausible(address), "{address}");
        }
        for address in
            ["", "ada", "@example.org", "ada@", "a@b@c", "a@b,c@d", "a@b\r\nBcc: c@d", "A <a@b>", "a@b..c"]
        {
            assert!(!is_plausible(address), "{address:?}");
        }
    }
}

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

/// Whether an expression can give nothing but an attribute of the identified user. Anything else may be what the
/// visitor chose: reading it proves nothing about the user.
pub fn is_own(expression: &Expression) -> bool {
    let is_attribute = |path: &Vec<String>| matches!(path.as_slice(), [root, _] if root == "user");
    expression.origins().is_some_and(|origins| origins.iter().all(is_attribute))
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

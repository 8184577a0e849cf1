//! Sources and values that nobody thought of.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Expressions of paths, optional paths and literals, joined in ways that pass values on and ways that compute.
fn joined() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "user.email",
        "user['email']",
        "user.?email",
        "user.?phone",
        "form.email",
        "form.?email",
        "form.?phone",
        "'text'",
        "null",
        "[form.email][0]",
        "form.email.trim()",
    ]);
    let tests = ["true", "false", "user.email == form.email", "has(user.phone)", "user.?email.hasValue()"];
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 3, move |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            (proptest::sample::select(tests.to_vec()), two.clone())
                .prop_map(|(test, (yes, no))| format!("({test} ? {yes} : {no})")),
            two.clone().prop_map(|(one, other)| format!("{one}.orValue({other})")),
            two.clone().prop_map(|(one, other)| format!("{one}.or({other})")),
            two.prop_map(|(one, other)| format!("({one} + {other})")),
            inner.clone().prop_map(|one| format!("{one}.value()")),
            inner.clone().prop_map(|one| format!("optional.of({one})")),
            inner.prop_map(|one| format!("[{one}].map(user, user)[0]")),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_sources_never_panic(source in r"(\PC|[a-z().,'\[\]{}?:!&|<>=+*/%0-9 \n-]){0,80}") {
        let _ = Expression::compile(&source);
    }

    #[test]
    fn arbitrary_plausible_expressions_never_panic(
        tokens in proptest::collection::vec(prop_oneof![
            Just("user"), Just("form"), Just(".a"), Just(".?b"), Just("[0]"), Just("['c']"), Just("("), Just(")"),
            Just("+"), Just("=="), Just("&&"), Just("||"), Just("!"), Just("?"), Just(":"), Just("1"), Just("-"),
            Just("'x'"), Just("has("), Just(".map(x,"), Just("x"), Just("["), Just("]"), Just(","), Just("{"),
            Just("}"), Just("null"), Just(".size()"), Just("in"), Just("9223372036854775807"), Just("*"),
            Just("timestamp("), Just("duration("), Just("b'\\xff'"), Just("1e308"), Just("/"), Just("%"),
        ], 0..14)
    ) {
        let source = tokens.join(" ");
        if let Ok(expression) = Expression::compile(&source) {
            let roots = data(json!({"user": {"a": {"b": 1}}, "form": {"c": [1, "2", null, -9_223_372_036_854_775_808_i64]}}));
            let _ = expression.evaluate(&roots, Budget(500));
        }
    }

    #[test]
    fn a_value_is_always_one_that_stands_at_an_origin(source in joined()) {
        let roots = data(json!({"user": {"email": "own"}, "form": {"email": "chosen"}}));
        let Ok(expression) = Expression::compile(&source) else { return Ok(()) };
        let (Some(origins), Ok(value)) = (expression.origins(), expression.evaluate(&roots, Budget::default())) else {
            return Ok(());
        };
        let found = origins.iter().map(|path| roots[&path[0]].get(&path[1]).cloned().unwrap_or_default());
        prop_assert!(found.clone().any(|one| one == value), "{source} gives {value}, its origins {found:?}");
    }

    #[test]
    fn x_1_a_value_is_never_source(text in r"\PC{0,80}") {
        let roots = json!({"form": {"v": text.clone()}});
        prop_assert_eq!(value("form['v'] + ''", roots), json!(text));
    }
}

//! Sources and evaluations end in time, and on a small stack.

use std::time::Duration;

use serde_json::json;

use super::*;

#[test]
fn x_2_long_chains_and_deep_nesting_are_refused_not_fatal() {
    on_a_worker_stack(|| {
        for bomb in [
            "1".to_owned() + &"+1".repeat(4000),
            "1".to_owned() + &"+1".repeat(2000),
            "a".to_owned() + &".b".repeat(2000),
            "a".to_owned() + &"[0]".repeat(1300),
            "a".to_owned() + &".f()".repeat(1000),
            "(".repeat(2000) + "1" + &")".repeat(2000),
            "[".repeat(2000) + &"]".repeat(2000),
            "{1:".repeat(900) + "1" + &"}".repeat(900),
            "true".to_owned() + &"?true:true".repeat(400),
            "[1]".to_owned() + &".map(a,a)".repeat(400),
            "(".repeat(50_000),
            "'".repeat(4000),
            "[{".repeat(2000),
        ] {
            let error = Expression::compile(&bomb).unwrap_err();
            assert!(!error.help.is_empty(), "{}", &bomb[..20]);
        }
    });
}

#[test]
fn x_2_the_deepest_accepted_trees_fit_a_worker_stack() {
    on_a_worker_stack(|| {
        let deepest = |make: &dyn Fn(usize) -> String| {
            let (mut accepted, mut refused) = (1, MAX_DEPTH + 2);
            while refused - accepted > 1 {
                let middle = usize::midpoint(accepted, refused);
                let fits = Expression::compile(&make(middle)).is_ok();
                if fits { accepted = middle } else { refused = middle }
            }
            Expression::compile(&make(accepted)).unwrap()
        };
        let roots = data(json!({"form": {"l": [1], "s": "x"}}));
        for make in [
            &|n| "form.s".to_owned() + &"+form.s".repeat(n),
            &|n| "[form.l]".to_owned() + &".map(a,a)".repeat(n),
            &|n| "form.s".to_owned() + &".trim()".repeat(n),
            &|n| "[".repeat(n) + "form.s" + &"]".repeat(n),
            &|n| "form.l.all(a,".repeat(n) + "true" + &")".repeat(n),
            &|n| "true?".repeat(n) + "form.s" + &":form.s".repeat(n),
        ] as [&dyn Fn(usize) -> String; 6]
        {
            let expression = deepest(make);
            let outcome = expression.evaluate(&roots, Budget::default());
            assert!(
                !matches!(outcome, Err(EvaluationError::Failed(_))),
                "{}: {outcome:?}",
                expression.source()
            );
        }
    });
}

#[test]
fn x_2_loops_end_with_the_budget() {
    let roots = || json!({"form": {"l": (0..300).collect::<Vec<_>>(), "s": "x".repeat(4000), "huge": "x".repeat(1 << 20)}});
    let doubling = "[form.s]".to_owned() + &".map(a, a + a)".repeat(40);
    let wide = "[form.s]".to_owned() + &".map(a, [a, a])".repeat(40);
    let maps = "[form.s]".to_owned() + &".map(a, {'a': a, 'b': a})".repeat(40);
    let literal = format!("form.l.map(a, form.l.map(b, [{}]))", "a,".repeat(1500) + "a");
    for bomb in [
        "form.l.all(a, form.l.all(b, form.l.all(c, a + b + c >= 0)))",
        "form.l.map(a, form.l.map(b, form.l.map(c, 1)))",
        "form.l.exists(a, form.l.exists(b, form.l.exists(c, false)))",
        "form.l.filter(a, form.l.filter(b, form.l.filter(c, true) == []) == []) == []",
        "form.l.exists_one(a, form.l.exists_one(b, form.l.exists_one(c, false)))",
        "form.l.all(a, form.l.all(b, form.s + form.s != form.s))",
        "form.l.all(a, form.l.all(b, !form.s.matches('(x+x+)+y')))",
        "form.l.all(a, form.s.split('')[0] == 'x')",
        "form.l.all(a, form.huge <= form.huge)",
        "true || form.l.all(a, form.l.all(b, form.l.all(c, true)))",
        "form.l.all(a, form.l.all(b, form.l.all(c, true))) || true",
        doubling.as_str(),
        wide.as_str(),
        maps.as_str(),
        literal.as_str(),
    ] {
        let short_circuits = bomb.starts_with("true ||");
        let outcome = eval(bomb, roots());
        if short_circuits {
            assert_eq!(outcome, Ok(json!(true)));
        } else {
            assert_eq!(outcome, Err(EvaluationError::Budget), "{}", &bomb[..60.min(bomb.len())]);
        }
    }
}

#[test]
fn honest_work_fits_the_budget() {
    let list: Vec<Value> = (0..3000).map(|n| json!({"id": n, "name": format!("user {n}")})).collect();
    let roots = json!({"form": {"l": list}});
    assert_eq!(value("form.l.exists(u, u.id == 2999)", roots.clone()), json!(true));
    assert_eq!(value("size(form.l.filter(u, u.name.startsWith('user 1')).map(u, u.id))", roots), json!(1111));
}

#[test]
fn a_large_result_is_refused() {
    let roots = json!({"form": {"s": "x".repeat(MAX_RESULT)}});
    assert_eq!(eval("form.s", roots.clone()), Err(EvaluationError::TooLarge));
    assert_eq!(eval("form['s']", roots), Err(EvaluationError::TooLarge));
}

#[test]
fn evaluation_is_fast_enough_to_run_inline() {
    let expression =
        Expression::compile("user.failures > 2 && user.roles.exists(r, r == 'b') || user.vip").unwrap();
    let roots = data(json!({"user": {"failures": 3, "roles": ["a", "b"], "vip": false}}));
    #[expect(clippy::disallowed_methods, reason = "measures")]
    let started = std::time::Instant::now();
    for _ in 0..1000 {
        expression.evaluate(&roots, Budget::default()).unwrap();
    }
    // Unoptimised and on a busy machine; the point is to notice a change of order.
    assert!(started.elapsed() < Duration::from_secs(5));
}

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn data(value: serde_json::Value) -> Data {
    match value {
        Value::Object(object) => object,
        _ => panic!("roots are an object"),
    }
}

fn eval(source: &str, roots: serde_json::Value) -> Result<Value, EvaluationError> {
    let expression = Expression::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    expression.evaluate(&data(roots), Budget::default())
}

fn value(source: &str, roots: serde_json::Value) -> Value {
    eval(source, roots).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// Runs on the stack of a runtime's worker: 2 MiB.
fn on_a_worker_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(test).unwrap().join().unwrap();
}

/// What a parser was doing when it stopped is nothing that an author knows.
#[test]
fn what_is_no_expression_is_said_in_words() {
    let wrong = [
        "1 +",
        "'abc",
        "a b",
        "form..x",
        "@",
        "user.?",
        "[1,",
        "{",
        "foo(",
        "1e99999",
        "99999999999999999999",
        "'\\q'",
        "has(1)",
        "x.all(1, 2)",
        "a?b",
        "b'\\400'",
        "...",
        "--",
        "user.email = 'x'",
        "for",
        "in",
        "user.in",
        "`a`",
        "a[",
        "0x",
    ];
    let internals = [
        "Error",
        "Context",
        "Incomplete",
        "No `",
        "EOF",
        "recognition",
        "literal",
        "ident",
        "macro",
        "input",
    ];
    for source in wrong {
        let said = Expression::compile(source).expect_err(source).message;
        assert!(internals.iter().all(|word| !said.contains(word)), "{source}: {said}");
    }
}

#[test]
fn expressions_give_json_values() {
    let roots = || {
        json!({
            "user": {"email": "ada@example.com", "failures": 3, "roles": ["a", "b"], "score": 1.5, "none": null},
            "steps": {"identify": {"username": "ada"}},
        })
    };
    for (source, wanted) in [
        ("user.email", json!("ada@example.com")),
        (" user.email ", json!("ada@example.com")),
        ("user.email.endsWith('@example.com')", json!(true)),
        ("user.failures * 10", json!(30)),
        ("user.failures > 2 && user.roles.exists(r, r == 'b')", json!(true)),
        ("user.roles.map(r, r + r)", json!(["aa", "bb"])),
        ("user.roles.filter(r, r != 'a')", json!(["b"])),
        ("user.roles.exists_one(r, r == 'a')", json!(true)),
        ("user.roles.map(r, r == 'a', size(r))", json!([1])),
        ("user.roles.all(r, size(r) == 1)", json!(true)),
        ("user.score * 2.0", json!(3.0)),
        ("user.none == null", json!(true)),
        ("{'a': user.failures, 'b': [1, 2u, 'x']}", json!({"a": 3, "b": [1, 2, "x"]})),
        ("steps.identify.username == 'ada' ? 'yes' : 'no'", json!("yes")),
        ("steps['identify'].username", json!("ada")),
        ("has(user.phone)", json!(false)),
        ("has(session.user)", json!(false)),
        ("user.?phone.orValue('none')", json!("none")),
        ("user.?phone", json!(null)),
        ("user.?email", json!("ada@example.com")),
        ("optional.of(user.failures).value()", json!(3)),
        ("user.email.matches('^[a-z]+@')", json!(true)),
        ("user.email.split('@')[1].upperAscii()", json!("EXAMPLE.COM")),
        ("base64.encode(bytes(user.email))", json!("YWRhQGV4YW1wbGUuY29t")),
        ("b'hi'", json!("aGk=")),
        ("duration('90s')", json!("90s")),
        ("timestamp('2026-01-02T03:04:05Z').getFullYear()", json!(2026)),
        ("type(user.failures) == int", json!(true)),
        ("'a' in user.roles && 'email' in user", json!(true)),
        ("[1, 2, 3].map(x, [x].map(y, x * y))", json!([[1], [4], [9]])),
        ("[?user.?phone, 1]", json!([1])),
    ] {
        assert_eq!(value(source, roots()), wanted, "{source}");
    }
}

#[test]
fn numbers_are_integers_when_they_fit() {
    for (number, kind) in [("0", "int"), ("-1", "int"), ("9223372036854775807", "int"), ("1.0", "double")] {
        let roots: Value = serde_json::from_str(&format!(r#"{{"form": {{"n": {number}}}}}"#)).unwrap();
        assert_eq!(value(&format!("type(form.n) == {kind}"), roots), json!(true), "{number}");
    }
    let large = json!({"form": {"n": u64::MAX}});
    assert_eq!(value("type(form.n) == double", large.clone()), json!(true));
    assert_eq!(value("form.n", large.clone()), value("form['n']", large), "with and without CEL");
}

#[test]
fn a_plain_path_gives_what_cel_gives() {
    let roots = || json!({"user": {"a": {"b": [1, {"c": 2.5}]}, "t": "x", "n": null}});
    for path in ["user", "user.a", "user.a.b", "user.t", "user.n", "session"] {
        assert_eq!(value(path, roots()), value(&format!("[{path}][0]"), roots()), "{path}");
    }
    for path in ["user.x", "user.x.y", "session.user", "user.a.b.c", "user.t.x", "user.n.x"] {
        let (plain, cel) = (eval(path, roots()), eval(&format!("[{path}][0]"), roots()));
        let same = matches!(
            (&plain, &cel),
            (Err(EvaluationError::Missing(a)), Err(EvaluationError::Missing(b))) if a == b
        ) || matches!(
            (&plain, &cel),
            (Err(EvaluationError::Mismatch(_)), Err(EvaluationError::Mismatch(_)))
        );
        assert!(same, "{path}: {plain:?} and {cel:?}");
    }
}

#[test]
fn errors_say_what_was_wrong_without_values() {
    let roots = || json!({"form": {"s": "hunter2", "n": 1, "m": {"k": 1}}});
    for (source, says) in [
        ("form.missing", "`missing` has no value"),
        ("form.missing == 1", "`missing` has no value"),
        ("unknown.x == 1", "`unknown` has no value"),
        ("form.s + 1", "take"),
        ("form.s < 1", "overload"),
        ("form.m[form.s]", "no such key"),
        ("[1][5]", "no such index"),
        ("1 / (form.n - 1)", "division by zero"),
        ("9223372036854775807 + form.n", "too large"),
        ("int(form.s)", "`int` cannot work with this value"),
        ("timestamp(form.s)", "cannot work"),
        ("1.0 / 0.0", "not a finite number"),
        ("form.s.exists(x, true)", "expected"),
        ("{form.s: 1, form.s: 2}", "same key twice"),
    ] {
        let error = eval(source, roots()).unwrap_err().to_string();
        assert!(error.contains(says), "{source}: {error}");
        assert!(!error.contains("hunter2"), "{source}: {error}");
    }
}

#[test]
fn a_condition_must_be_a_boolean() {
    let holds = |source: &str| Expression::compile(source).unwrap().holds(&Data::new(), Budget::default());
    assert_eq!(holds("1 < 2"), Ok(true));
    let error = holds("'yes'").unwrap_err();
    assert_eq!(error.to_string(), "a condition must give true or false, but this gives a text");
}

#[test]
fn broken_expressions_say_where_and_what_to_do() {
    for (source, line, column, says) in [
        ("", 1, 1, "empty"),
        ("user.email ==", 1, 14, "too early"),
        ("user.email &&\n  == 1", 2, 3, "=="),
        ("'é' + nope(1)", 1, 7, "no function `nope`"),
        ("user.replace('a', 'b')", 1, 6, "no function `replace`"),
        ("user.name.matches(form.pattern)", 1, 23, "literal"),
        ("user.name.matches('(')", 1, 19, "not acceptable"),
        ("user.name.matches('(a{1000}){1000}')", 1, 19, "memory"),
        ("User{name: 1}", 1, 5, "typed message"),
        ("has(1)", 1, 5, "`has(…)` takes a field"),
    ] {
        let error = Expression::compile(source).unwrap_err();
        assert!(error.message.contains(says), "{source:?}: {}", error.message);
        assert_eq!(
            (error.position.line, error.position.column),
            (line, column),
            "{source:?}: {}",
            error.message
        );
        assert!(!error.help.is_empty());
    }
}

#[test]
fn every_allowed_function_exists() {
    for source in [
        "'abc'.charAt(1)",
        "'abc'.indexOf('c')",
        "'abcc'.lastIndexOf('c')",
        "'ABC'.lowerAscii()",
        "'abc'.upperAscii()",
        "'abc'.reverse()",
        "'a,b'.split(',')",
        "'abc'.substring(1)",
        "' a '.trim()",
        "'abc'.contains('b')",
        "'abc'.startsWith('a')",
        "'abc'.endsWith('c')",
        "size('abc')",
        "string(1)",
        "int('1')",
        "uint(1)",
        "double('1.5')",
        "bool('true')",
        "bytes('a')",
        "dyn(1)",
        "type(1)",
        "duration('1s')",
        "timestamp('2026-01-01T00:00:00Z')",
        "base64.decode('YQ==')",
        "base64.encode(b'a')",
        "optional.none()",
        "optional.of(1)",
        "optional.ofNonZeroValue(0)",
        "optional.of(1).hasValue()",
        "optional.of(1).value()",
        "optional.none().or(optional.of(1))",
        "optional.none().orValue(1)",
        "[1].all(x, x > 0)",
        "[1].exists(x, x > 0)",
        "[1].exists_one(x, x > 0)",
        "[1].existsOne(x, x > 0)",
        "[1].map(x, x)",
        "[1].filter(x, true)",
        "has({'a': 1}.a)",
        "'a'.matches('a')",
        "matches('a', 'a')",
    ] {
        value(source, json!({}));
    }
    for part in ["Date", "DayOfMonth", "DayOfWeek", "DayOfYear", "FullYear", "Hours", "Milliseconds"] {
        value(&format!("timestamp('2026-01-01T00:00:00Z').get{part}()"), json!({}));
    }
    for part in ["Minutes", "Month", "Seconds"] {
        value(&format!("timestamp('2026-01-01T00:00:00Z').get{part}('+02:00')"), json!({}));
    }
}

#[test]
fn references_tell_what_is_read_and_whether_absence_is_provided_for() {
    for (source, wanted) in [
        ("user.email", vec!["user.email"]),
        ("steps['identify'].username + user.name", vec!["steps.identify.username", "user.name"]),
        ("has(user.email)", vec!["user.email?"]),
        ("has(user.email) && user.email != ''", vec!["user.email?", "user.email?"]),
        ("user.email != '' && has(user.email)", vec!["user.email", "user.email?"]),
        ("!has(user.email) || user.email == ''", vec!["user.email?", "user.email?"]),
        ("has(user.email) || user.email == ''", vec!["user.email?", "user.email"]),
        ("has(user.a) ? user.a : user.b", vec!["user.a?", "user.a?", "user.b"]),
        ("'a' in user && user.a == 1", vec!["user", "user.a?"]),
        ("user.?a.?b.orValue(1)", vec!["user.a.b?"]),
        ("has(steps.totp) ? steps.totp.code : ''", vec!["steps.totp?", "steps.totp.code?"]),
        ("user.roles.exists(r, r.name == form.x)", vec!["user.roles", "form.x"]),
        ("form.list[form.n].x", vec!["form.list*", "form.n"]),
        ("form.list[0]", vec!["form.list*"]),
        ("user.roles.map(user, user.x)", vec!["user.roles"]),
        ("type(user.a) == string", vec!["user.a"]),
        ("optional.of(user.a)", vec!["user.a"]),
        ("user.name.matches('a')", vec!["user.name"]),
        ("size(user) > 1", vec!["user"]),
    ] {
        let expression = Expression::compile(source).unwrap();
        let found: Vec<String> = expression
            .references()
            .iter()
            .map(|r| format!("{r}{}{}", if r.guarded { "?" } else { "" }, if r.open { "*" } else { "" }))
            .collect();
        assert_eq!(found, wanted, "{source}");
        for reference in expression.references() {
            assert!(
                source[reference.position.offset..].starts_with(reference.root()),
                "{source}: {reference:?}"
            );
        }
    }
}

#[test]
fn origins_are_told_only_when_every_possible_value_is_one_that_stands_somewhere() {
    let origins = |source: &str| {
        let expression = Expression::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        expression
            .origins()
            .map(|paths| paths.iter().map(|path| path.join(".")).collect::<Vec<_>>().join(" "))
    };
    for (source, wanted) in [
        ("user.email", "user.email"),
        (" (user.email) ", "user.email"),
        ("user['email']", "user.email"),
        (".user.email", "user.email"),
        ("user.?email", "user.email"),
        ("user[?'email']", "user.email"),
        ("user.?email.value()", "user.email"),
        ("user.?work.orValue(user.email)", "user.email user.work"),
        ("user.?work.or(user.?email).orValue(form.email)", "form.email user.email user.work"),
        ("has(user.work) ? user.work : form.email", "form.email user.work"),
        ("user.email == '' ? user.work : true ? form.a : form.b", "form.a form.b user.work"),
    ] {
        assert_eq!(origins(source).as_deref(), Some(wanted), "{source}");
    }
    for source in [
        "'ada@example.org'",
        "has(user.email)",
        "user.email + ''",
        "user.email.trim()",
        "user.email.lowerAscii()",
        "[user.email][0]",
        "[form.email].map(user, user)[0]",
        "{'email': user.email}.email",
        "{'email': form.email}['email']",
        "optional.of(form.email).value()",
        "user[form.name]",
        "user.mails[0]",
        "user.?email.orValue('')",
        "user.email == form.email || user.email == ''",
        "true ? user.email : null",
        "dyn(user.email)",
        "[user.email].filter(user, true)",
    ] {
        assert_eq!(origins(source), None, "{source}");
    }
}

#[test]
fn functions_are_listed() {
    let expression = Expression::compile("has(user.a) && size(user.b.map(x, base64.encode(x))) > 1").unwrap();
    assert_eq!(expression.functions(), ["base64.encode", "size"]);
}

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

/// A loop as the library sees it when it decides how to evaluate: `@result while true do @result + [_]`.
fn shape(node: &cel::common::ast::IdedExpr) -> String {
    use cel::common::ast::{Expr, LiteralValue, operators};
    match &node.expr {
        Expr::Comprehension(each) => {
            format!("{} while {} do {}", shape(&each.result), shape(&each.loop_cond), shape(&each.loop_step))
        }
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::ADD, [left, right]) => format!("{} + {}", shape(left), shape(right)),
            (operators::LOGICAL_AND, [left, _]) => format!("{} && _", shape(left)),
            (operators::LOGICAL_OR, [left, _]) => format!("{} || _", shape(left)),
            (operators::CONDITIONAL, [_, yes, no]) => format!("_ ? {} : {}", shape(yes), shape(no)),
            (name, _) => name.to_owned(),
        },
        Expr::List(_) => "[_]".to_owned(),
        Expr::Ident(name) => name.clone(),
        Expr::Literal(LiteralValue::Boolean(_)) => "true".to_owned(),
        _ => "_".to_owned(),
    }
}

/// What the accounting relies on. A version of the library that writes or recognises loops otherwise must be looked at
/// before it is taken: loops could go uncounted, or copy their result at every turn.
#[test]
fn loops_keep_the_shapes_that_the_library_appends_in_place() {
    for (source, written, accounted) in [
        ("form.l.map(x, x)", "@result while true do @result + [_]", "@result while true do @result + [_]"),
        (
            "form.l.map(x, x > 1, x)",
            "@result while true do _ ? @result + [_] : @result",
            "@result while true do _ ? @result + [_] : @result",
        ),
        (
            "form.l.filter(x, x > 1)",
            "@result while true do _ ? @result + [_] : @result",
            "@result while true do _ ? @result + [_] : @result",
        ),
        (
            "form.l.exists_one(x, x > 1)",
            "_==_ while true do _ ? @result + _ : @result",
            "_==_ while true do _ ? @result + _ : @result",
        ),
        (
            "form.l.all(x, x > 1)",
            "@result while @not_strictly_false do @result && _",
            "@result while @step do @result && _",
        ),
        (
            "form.l.exists(x, x > 1)",
            "@result while @not_strictly_false do @result || _",
            "@result while @step do @result || _",
        ),
    ] {
        let program = gate::ENVIRONMENT.compile(source).unwrap();
        assert_eq!(shape(program.expression()), written, "{source}");
        assert_eq!(shape(&budget::accounted(program.expression().clone())), accounted, "{source}");
    }
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

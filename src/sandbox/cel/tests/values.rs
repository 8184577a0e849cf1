//! What expressions come to, and what is said when they come to nothing.

use serde_json::json;

use super::*;

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
fn functions_are_listed() {
    let expression = Expression::compile("has(user.a) && size(user.b.map(x, base64.encode(x))) > 1").unwrap();
    assert_eq!(expression.functions(), ["base64.encode", "size"]);
}

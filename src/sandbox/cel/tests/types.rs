//! Types: a golden table, and that what is accepted never fails by its types.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use idflow_core::Data;
use proptest::prelude::*;
use serde_json::json;

use crate::{Budget, EvaluationError, Expression, Type};

/// Expressions over [`roots`], each with its type or what is wrong with it. Written by
/// `IDFLOW_WRITE=1 cargo test -p idflow-sandbox golden`; read the difference.
const GOLDEN: &str = include_str!("types.txt");

fn object(fields: &[(&str, Type)]) -> Type {
    Type::Object(fields.iter().map(|(name, of)| ((*name).to_owned(), of.clone())).collect())
}

fn list(of: Type) -> Type {
    Type::List(Box::new(of))
}

/// What a journey of the tests has.
pub(super) fn roots() -> BTreeMap<String, Type> {
    let form = [
        ("age", Type::Integer),
        ("email", Type::String),
        ("name", Type::String),
        ("terms", Type::Boolean),
        ("tags", list(Type::String)),
    ];
    let user = [
        ("email", Type::String),
        ("staff", Type::Boolean),
        ("logins", Type::Integer),
        ("groups", list(Type::String)),
    ];
    let look_up = object(&[("status", Type::Integer), ("response", Type::Unknown)]);
    let vars = [
        ("score", Type::Double),
        ("numbers", list(Type::Integer)),
        ("map", Type::Map(Box::new(Type::Integer))),
    ];
    [
        ("form", object(&form)),
        ("user", object(&user)),
        ("steps", object(&[("lookUp", look_up)])),
        ("vars", object(&vars)),
    ]
    .map(|(name, root)| (name.to_owned(), root))
    .into()
}

/// What the table says of an expression: its type, or each message with its column and advice.
fn told(source: &str, wanted: &Type) -> String {
    let checked = Expression::compile(source)
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .check(&roots(), wanted);
    if checked.mismatches.is_empty() {
        return checked.value.to_string();
    }
    let one = |mismatch: &crate::TypeMismatch| {
        format!("{}: {} / {}", mismatch.position.column, mismatch.message, mismatch.help)
    };
    checked.mismatches.iter().map(one).collect::<Vec<_>>().join(" | ")
}

fn wanted(word: &str) -> Type {
    match word {
        "" => Type::Unknown,
        "Boolean" => Type::Boolean,
        "Integer" => Type::Integer,
        "String" => Type::String,
        "List" => Type::list(),
        other => panic!("{other}"),
    }
}

#[test]
fn every_expression_of_the_golden_table_has_the_type_or_the_message_that_stands_there() {
    let mut table = String::new();
    for line in GOLDEN.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        match columns.as_slice() {
            [source, word, ..] if !line.starts_with('#') && !line.is_empty() => {
                writeln!(table, "{source}\t{word}\t{}", told(source, &wanted(word))).unwrap();
            }
            _ => writeln!(table, "{line}").unwrap(),
        }
    }
    if std::env::var_os("IDFLOW_WRITE").is_some() {
        std::fs::write("cel/tests/types.txt", &table).unwrap();
    } else {
        assert_eq!(table, GOLDEN);
    }
    assert!(GOLDEN.lines().filter(|line| line.contains('\t')).count() >= 200);
}

/// What somebody writes who reads the advice, if it says what to write.
fn advised(help: &str) -> Option<&str> {
    if let Some((_, rest)) = help.split_once('`') {
        return rest.split_once('`').map(|(advised, _)| advised);
    }
    let written = help.strip_prefix("write ")?;
    let written =
        written.strip_suffix(" without quotes").or(written.strip_suffix(" in quotes")).unwrap_or(written);
    written.split(" or ").next().map(|written| written.strip_prefix("for example ").unwrap_or(written))
}

/// Each piece of advice is put where it belongs: the expression has one fault less then.
#[test]
fn whatever_is_advised_compiles_and_is_right() {
    let (mut tried, mut wrong) = (0, Vec::new());
    for line in GOLDEN.lines().filter(|line| !line.starts_with('#')) {
        let [source, word, _] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        let check = |source: &str| {
            let compiled = Expression::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            compiled.check(&roots(), &wanted(word)).mismatches
        };
        let before = check(source);
        for mismatch in &before {
            let Some(advised) = advised(&mismatch.help) else { continue };
            let spots = mismatch.message.split('`').skip(1).step_by(2).filter(|spot| source.contains(spot));
            let whole =
                Some(source).filter(|_| advised.contains(".contains(") || mismatch.help.contains("alone"));
            let field =
                mismatch.message.rsplit_once("which has no field ").map(|(_, name)| format!(".{name}"));
            let below =
                if mismatch.message.contains("which has no items") { Some("[0]".to_owned()) } else { field };
            let spots = spots.map(|spot| format!("{spot}{}", below.as_deref().unwrap_or_default()));
            let replaced = spots.chain(whole.map(str::to_owned)).flat_map(|spot| {
                let put = |(at, _): (usize, &str)| {
                    format!("{}{advised}{}", &source[..at], &source[at + spot.len()..])
                };
                source.match_indices(&spot).map(put).collect::<Vec<_>>()
            });
            let is_right = |source: &String| {
                let is_told = |again: &crate::TypeMismatch| again.message == mismatch.message;
                Expression::compile(source).is_ok() && !check(source).iter().any(is_told)
            };
            if !replaced.collect::<Vec<_>>().iter().any(is_right) {
                wrong.push(format!("{source}: {} / {}", mismatch.message, mismatch.help));
            }
            tried += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried >= 60, "{tried}");
}

/// Values of these types.
fn data() -> Data {
    let data = json!({
        "form": { "age": 41, "email": "ada@example.com", "name": "Ada", "terms": true, "tags": ["a", "b"] },
        "user": { "email": "ada@example.com", "staff": false, "logins": 3, "groups": ["staff"] },
        "steps": { "lookUp": { "status": 200, "response": null } },
        "vars": { "score": 1.5, "numbers": [1, 2, 3], "map": { "a": 1 } },
    });
    data.as_object().cloned().unwrap()
}

/// Expressions of all kinds, most of which fit nowhere.
fn expressions() -> impl Strategy<Value = String> {
    let leaves = prop::sample::select(vec![
        "form.age",
        "form.email",
        "form.terms",
        "form.tags",
        "form.?name",
        "form.?age",
        "user.groups",
        "user.logins",
        "vars.score",
        "vars.numbers",
        "vars.map",
        "steps.lookUp.status",
        "'a'",
        "'18'",
        "''",
        "1",
        "0",
        "1u",
        "1.5",
        "true",
        "null",
        "[]",
        "[1]",
        "['a', 'b']",
        "{}",
        "{'a': 1}",
        "duration('1h')",
        "timestamp('2026-01-01T00:00:00Z')",
        "b'x'",
        "int",
        "optional.none()",
    ]);
    let leaves = leaves.prop_map(str::to_owned);
    leaves.prop_recursive(3, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let binary = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in",
        ]);
        let methods = prop::sample::select(vec![
            "startsWith",
            "endsWith",
            "contains",
            "indexOf",
            "split",
            "charAt",
            "substring",
            "orValue",
            "or",
            "lastIndexOf",
            "getFullYear",
        ]);
        let plain = prop::sample::select(vec![
            "size()",
            "trim()",
            "lowerAscii()",
            "upperAscii()",
            "reverse()",
            "hasValue()",
            "value()",
            "getHours()",
            "getFullYear()",
            "field",
            "?field",
            "matches('a')",
        ]);
        let functions = prop::sample::select(vec![
            "size",
            "string",
            "int",
            "uint",
            "double",
            "bool",
            "bytes",
            "timestamp",
            "duration",
            "type",
            "-",
            "!",
            "optional.of",
            "optional.ofNonZeroValue",
            "base64.encode",
            "base64.decode",
        ]);
        let macros = prop::sample::select(vec!["all", "exists", "exists_one", "filter", "map"]);
        prop_oneof![
            (two.clone(), binary).prop_map(|((one, other), sign)| format!("({one} {sign} {other})")),
            (two.clone(), methods).prop_map(|((one, other), name)| format!("{one}.{name}({other})")),
            (inner.clone(), plain).prop_map(|(one, name)| format!("{one}.{name}")),
            (inner.clone(), functions).prop_map(|(one, name)| format!("{name}({one})")),
            (inner.clone(), macros, inner.clone())
                .prop_map(|(of, name, then)| format!("{of}.{name}(x, {})", then.replace("form.email", "x"))),
            two.clone().prop_map(|(one, other)| format!("{one}[{other}]")),
            two.clone().prop_map(|(one, other)| format!("{one}[?{other}]")),
            (inner.clone(), two.clone()).prop_map(|(test, (yes, no))| format!("({test} ? {yes} : {no})")),
            two.prop_map(|(one, other)| format!("[{one}, {other}]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn what_is_accepted_and_known_never_fails_by_its_types(source in expressions()) {
        let Ok(expression) = Expression::compile(&source) else { return Ok(()) };
        let checked = expression.check(&roots(), &Type::Unknown);
        if checked.mismatches.is_empty() && checked.is_certain {
            let given = expression.evaluate(&data(), Budget::default());
            prop_assert!(!matches!(given, Err(EvaluationError::Mismatch(_))), "{source}: {given:?}");
        }
    }
}

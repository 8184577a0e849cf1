//! What is no expression, and how that is said.

use super::*;

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

/// What people write by habit, a part of what they are told, and what they write then.
#[test]
fn whoever_writes_another_language_is_told_the_word_that_helps() {
    for (wrong, told, right) in [
        ("user.email = 'a'", "`==`", "user.email == 'a'"),
        ("user.email === 'a'", "`==`", "user.email == 'a'"),
        ("user.email !== 'a'", "`!=`", "user.email != 'a'"),
        ("user.email <> 'a'", "`!=`", "user.email != 'a'"),
        ("user.staff and user.other", "`&&`", "user.staff && user.other"),
        ("user.staff AND user.other", "`&&`", "user.staff && user.other"),
        ("user.staff & user.other", "`&&`", "user.staff && user.other"),
        ("user.staff or user.other", "`||`", "user.staff || user.other"),
        ("user.staff | user.other", "`||`", "user.staff || user.other"),
        ("not user.staff", "`!`", "!user.staff"),
        ("user.email is 'a'", "`==`", "user.email == 'a'"),
        ("user.email == `a`", "quotes", "user.email == 'a'"),
        ("user.name.matches('\\d')", "twice", "user.name.matches('\\\\d')"),
        ("user.name ?? 'a'", "orValue", "user.?name.orValue('')"),
        ("{{ user.name }}", "leave them away", "user.name"),
        ("len(user.name) > 3", "`size`", "size(user.name) > 3"),
        ("user.name.toLowerCase()", "`lowerAscii`", "user.name.lowerAscii()"),
        ("user.name.startswith('a')", "`startsWith`", "user.name.startsWith('a')"),
    ] {
        let error = Expression::compile(wrong).expect_err(wrong);
        assert!(error.help.contains(told), "{wrong}: {} / {}", error.message, error.help);
        Expression::compile(right).unwrap_or_else(|error| panic!("{right}: {error}"));
    }
}

#[test]
fn every_function_by_another_name_is_one_of_ours() {
    for (other, ours) in foreign::FUNCTIONS {
        let allowed = functions::ALLOWED;
        assert!(allowed.contains(&ours) && !allowed.contains(&other), "{other}: {ours}");
    }
}

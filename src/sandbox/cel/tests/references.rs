//! What an expression reads, and where a value stands that it gives.

use super::*;

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

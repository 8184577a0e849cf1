//! Views, notices and mails as the product shows them: what the check renders, what screenshots and accessibility
//! tests look at.

use idflow_core::effect::Mail;
use idflow_core::id::{Attempt, EffectId, JourneyId, StepInstance};
use idflow_core::view::{Action, ActionStyle, Choice, Field, FieldType, Message, Severity, Text, View};

/// One view of each kind and state, with a name for files.
pub fn views() -> Vec<(&'static str, View)> {
    vec![
        ("sign-in", sign_in()),
        (
            "sign-in-wrong",
            View { messages: vec![message(Severity::Error, "error-credentials")], ..sign_in() },
        ),
        ("password", password()),
        ("sign-up", sign_up()),
        ("sign-up-errors", sign_up_errors()),
        ("set-password", set_password(None)),
        ("set-password-weak", set_password(Some(weakness()))),
        ("code", code()),
        ("code-sent-again", View { messages: vec![message(Severity::Success, "code-sent-again")], ..code() }),
        ("code-wrong", code_wrong()),
        ("choose", choose()),
        ("every-field", every_field()),
        (
            "message",
            page("message", "message-title", Some("code-too-many-mails"), vec![submit("message-submit")]),
        ),
        ("find-user", find_user()),
        ("complete", page("complete", "complete-title", Some("complete-lead"), Vec::new())),
        ("fail", page("fail", "fail-title", Some("fail-lead"), Vec::new())),
        ("locked", page("fail", "locked-title", Some("locked-lead"), Vec::new())),
    ]
}

/// One mail of each kind, with a name for files.
pub fn mails(locale: &str) -> Vec<(&'static str, Mail)> {
    let mail = |subject: &str, body: Vec<Text>, code: Option<&str>| Mail {
        id: EffectId {
            journey: JourneyId::from_bytes([7; 16]),
            instance: StepInstance(1),
            attempt: Attempt(1),
            number: 0,
        },
        connection: "mail".to_owned(),
        to: "ada@example.org".to_owned(),
        subject: Text::product(subject),
        body,
        code: code.map(str::to_owned),
        locale: Some(locale.to_owned()),
    };
    let lifetime = Text::with("mail-code-lifetime", [("minutes", "10".to_owned())]);
    let code = vec![Text::product("mail-code-body"), lifetime, Text::product("mail-code-ignore")];
    let changed = vec![Text::product("mail-password-changed-body")];
    let exists = vec![Text::product("mail-account-exists-body")];
    vec![
        ("mail-code", mail("mail-code-subject", code, Some("048213"))),
        ("mail-password-changed", mail("mail-password-changed-subject", changed, None)),
        ("mail-account-exists", mail("mail-account-exists-subject", exists, None)),
    ]
}

fn sign_in() -> View {
    let fields = vec![field("username", FieldType::Identifier), field("password", FieldType::Password)];
    let mut actions = vec![submit("password-submit")];
    actions.push(Action::aside("forgot", Text::product("action-forgot")));
    actions.push(Action::aside("register", Text::product("action-register")));
    View { fields, ..page("password", "password-title", None, actions) }
}

fn password() -> View {
    let actions = vec![submit("password-submit"), Action::aside("forgot", Text::product("action-forgot"))];
    View {
        fields: vec![field("password", FieldType::Password)],
        identifier: Some("ada.lovelace@example.org".to_owned()),
        ..page("password", "password-title", None, actions)
    }
}

fn sign_up() -> View {
    let fields = vec![
        field("givenName", FieldType::GivenName),
        field("familyName", FieldType::FamilyName),
        field("email", FieldType::Email),
        Field { required: false, ..field("phone", FieldType::Phone) },
        field("accept", FieldType::Boolean),
    ];
    View {
        fields,
        ..page("form", "create-user-title", Some("form-lead"), vec![submit("create-user-submit")])
    }
}

fn sign_up_errors() -> View {
    let mut view = sign_up();
    for (field, (value, error)) in view.fields.iter_mut().zip([
        ("Ada", None),
        ("", Some("error-required")),
        ("ada@", Some("error-email")),
        ("", None),
        ("", Some("error-required-tick")),
    ]) {
        field.value = Some(value.to_owned());
        field.error = error.map(Text::product);
    }
    view
}

fn set_password(error: Option<Text>) -> View {
    let hint = Some(Text::product("set-password-hint"));
    View {
        fields: vec![Field { hint, error, ..field("newPassword", FieldType::NewPassword) }],
        identifier: Some("ada.lovelace@example.org".to_owned()),
        ..page("setPassword", "set-password-title", None, vec![submit("set-password-submit")])
    }
}

fn weakness() -> Text {
    Text::with("weakness-too-short", [("minimum", "15".to_owned())])
}

fn code() -> View {
    let actions =
        vec![submit("one-time-code-submit"), Action::aside("resend", Text::product("action-resend"))];
    View {
        lead: Some(Text::with("one-time-code-lead", [("address", "ada.lovelace@example.org".to_owned())])),
        fields: vec![field("code", FieldType::Code)],
        ..page("oneTimeCode", "one-time-code-title", None, actions)
    }
}

fn code_wrong() -> View {
    let error = Some(Text::product("error-code-wrong"));
    View { fields: vec![Field { error, ..field("code", FieldType::Code) }], ..code() }
}

fn choose() -> View {
    let way = |name: &str, key: &str| Action {
        style: ActionStyle::Secondary,
        ..Action::aside(name, Text::product(key))
    };
    let actions = vec![
        way("passkey", "method-passkey"),
        way("totp", "method-totp"),
        way("mail", "method-one-time-code"),
        way("recovery", "method-recovery-code"),
    ];
    page("choose", "choose-title", Some("choose-lead"), actions)
}

fn find_user() -> View {
    let fields = vec![field("identifier", FieldType::Identifier)];
    View {
        fields,
        ..page("form", "find-user-title", Some("find-user-lead"), vec![submit("find-user-submit")])
    }
}

fn every_field() -> View {
    let authored = |text: &str| Text::Authored {
        default_locale: "en".to_owned(),
        by_locale: [("en".to_owned(), text.to_owned())].into(),
    };
    let choice = |value: &str| Choice { value: value.to_owned(), label: authored(value) };
    let few: Vec<Choice> = ["Private customer", "Business customer"].map(choice).into();
    let many: Vec<Choice> =
        ["Austria", "Belgium", "Denmark", "France", "Germany", "Italy", "Spain"].map(choice).into();
    let fields = vec![
        Field { hint: Some(authored("As it stands in your passport.")), ..field("name", FieldType::Name) },
        field("birthdate", FieldType::Date),
        field("phone", FieldType::Phone),
        Field {
            label: authored("Number of employees"),
            required: false,
            ..field("size", FieldType::Integer)
        },
        Field { label: authored("Kind of account"), options: few, ..field("kind", FieldType::Select) },
        Field { label: authored("Country"), options: many, ..field("country", FieldType::Select) },
        Field { label: authored("A word about you"), required: false, ..field("about", FieldType::Text) },
    ];
    let mut view = page("form", "form-title", Some("form-lead"), vec![submit("form-submit")]);
    view.messages =
        vec![message(Severity::Info, "info-already-done"), message(Severity::Warning, "info-stale")];
    View { fields, ..view }
}

fn page(kind: &str, title: &str, lead: Option<&str>, actions: Vec<Action>) -> View {
    View {
        kind: kind.to_owned(),
        title: Text::product(title),
        lead: lead.map(Text::product),
        messages: Vec::new(),
        fields: Vec::new(),
        actions,
        identifier: None,
    }
}

fn field(name: &str, field_type: FieldType) -> Field {
    Field {
        name: name.to_owned(),
        field_type,
        label: Text::product(format!("field-{name}")),
        hint: None,
        value: None,
        error: None,
        required: true,
        max_length: 256,
        options: Vec::new(),
    }
}

fn submit(key: &str) -> Action {
    Action::next(Text::product(key))
}

fn message(severity: Severity, key: &str) -> Message {
    Message { severity, text: Text::product(key) }
}

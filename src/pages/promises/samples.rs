//! Pages for the promises: of every layout something. What node kinds show is checked where they are, by their
//! examples.

use idflow_core::effect::Mail;
use idflow_core::id::{Attempt, EffectId, JourneyId, StepInstance};
use idflow_core::view::{Action, Choice, Field, FieldType, Message, Severity, Text, View};

/// Views by name.
pub(super) fn views() -> Vec<(&'static str, View)> {
    vec![
        ("sign-in", sign_in()),
        ("password", password()),
        ("sign-up", sign_up()),
        ("sign-up-errors", sign_up_errors()),
        ("set-password", set_password()),
        ("code", code()),
        ("code-wrong", code_wrong()),
        ("every-field", every_field()),
        ("complete", page("complete", "complete-title", Some("complete-lead"), Vec::new())),
    ]
}

/// A mail with a code.
pub(super) fn mail() -> Mail {
    Mail {
        id: EffectId {
            journey: JourneyId::from_bytes([7; 16]),
            instance: StepInstance(1),
            attempt: Attempt(1),
            number: 0,
        },
        connection: "mail".to_owned(),
        to: "ada@example.org".to_owned(),
        subject: Text::product("mail-code-subject"),
        body: vec![Text::product("mail-code-body")],
        code: Some("048213".to_owned()),
        locale: Some("en".to_owned()),
    }
}

fn sign_in() -> View {
    let fields = vec![
        Field::asking("username", FieldType::Identifier),
        Field::asking("password", FieldType::Password),
    ];
    let mut actions = vec![submit("password-submit")];
    actions.push(Action::aside("forgot", Text::product("action-forgot")));
    actions.push(Action::aside("register", Text::product("action-register")));
    View { fields, ..page("password", "password-title", None, actions) }
}

fn password() -> View {
    let actions = vec![submit("password-submit"), Action::aside("forgot", Text::product("action-forgot"))];
    View {
        fields: vec![Field::asking("password", FieldType::Password)],
        identifier: Some("ada.lovelace@example.org".to_owned()),
        ..page("password", "password-title", None, actions)
    }
}

fn sign_up() -> View {
    let fields = vec![
        Field::asking("givenName", FieldType::GivenName),
        Field::asking("familyName", FieldType::FamilyName),
        Field::asking("email", FieldType::Email),
        Field { required: false, ..Field::asking("phone", FieldType::Phone) },
        Field::asking("accept", FieldType::Boolean),
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

fn set_password() -> View {
    let hint = Some(Text::product("set-password-hint"));
    View {
        fields: vec![Field { hint, ..Field::asking("newPassword", FieldType::NewPassword) }],
        identifier: Some("ada.lovelace@example.org".to_owned()),
        ..page("setPassword", "set-password-title", None, vec![submit("set-password-submit")])
    }
}

fn code() -> View {
    let actions =
        vec![submit("one-time-code-submit"), Action::aside("resend", Text::product("action-resend"))];
    View {
        lead: Some(Text::with(
            "one-time-code-sent",
            [("address", "ada.lovelace@example.org".to_owned()), ("digits", "6".to_owned())],
        )),
        fields: vec![Field::asking("code", FieldType::Code)],
        ..page("oneTimeCode", "one-time-code-title", None, actions)
    }
}

fn code_wrong() -> View {
    let error = Some(Text::product("error-code-wrong"));
    View { fields: vec![Field { error, ..Field::asking("code", FieldType::Code) }], ..code() }
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
        Field {
            hint: Some(authored("As it stands in your passport.")),
            ..Field::asking("name", FieldType::Name)
        },
        Field::asking("birthdate", FieldType::Date),
        Field::asking("phone", FieldType::Phone),
        Field {
            label: authored("Number of employees"),
            required: false,
            ..Field::asking("size", FieldType::Integer)
        },
        Field {
            label: authored("Kind of account"),
            options: few,
            ..Field::asking("kind", FieldType::Select)
        },
        Field { label: authored("Country"), options: many, ..Field::asking("country", FieldType::Select) },
        Field {
            label: authored("A word about you"),
            required: false,
            ..Field::asking("about", FieldType::Text)
        },
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

fn submit(key: &str) -> Action {
    Action::next(Text::product(key))
}

fn message(severity: Severity, key: &str) -> Message {
    Message { severity, text: Text::product(key) }
}

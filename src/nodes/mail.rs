//! `mail`: sends a mail and goes on at once.
//!
//! A mail is an effect of class at most once: it is sent after the step is stored and never repeated silently.
//!
//! ```yaml
//! - id: notify
//!   mail: { connection: mail, subject: changed-subject, body: changed-body }
//!   outcomes: { next: done }
//! ```

use idflow_core::Value;
use idflow_core::effect::{EffectClass, Mail};
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, ReferenceKind, SettingsError, Sink};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{AuthoredText, Compiler, Plan};
use idflow_sandbox::{Expression, Type};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::asker::Counted;
use crate::shared::{address, answer_mismatch, settings};

/// Settings of `mail`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The Connection of kind smtp that sends the mail.
    #[schemars(length(min = 1, max = 253))]
    connection: String,
    /// A CEL expression for the address. Absent means `user.email`, the identified user's own.
    #[schemars(length(min = 1, max = 1024))]
    to: Option<String>,
    /// The key of the flow's text that is the subject.
    #[schemars(length(min = 1, max = 63))]
    subject: String,
    /// The key of the flow's text that is the body.
    #[schemars(length(min = 1, max = 63))]
    body: String,
}

/// What everybody reads about `mail`.
pub static KIND: Kind = Kind {
    name: "mail",
    group: Group::Integration,
    summary: "Sends a mail and goes on at once.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let to = settings.to.as_deref().unwrap_or("user.email");
    let address = compiler.expression_of("/to", to, Sink::Mail, &Type::String);
    let send = SendMail {
        own_address: address::own_attributes(&address).is_some(),
        address,
        subject: compiler.text("/subject", &settings.subject, Sink::Mail),
        body: compiler.text("/body", &settings.body, Sink::Mail),
        connection: compiler.connection("/connection", ReferenceKind::SmtpConnection, settings.connection),
    };
    let facts = Facts {
        outcomes: vec![Outcome::wired("next"), Outcome::optional("error")],
        effects: vec![EffectClass::AtMostOnce],
        ..Facts::default()
    };
    Ok(node::plan(facts, send))
}

#[derive(Debug)]
struct SendMail {
    connection: String,
    address: Expression,
    own_address: bool,
    subject: AuthoredText,
    body: AuthoredText,
}

impl Node for SendMail {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered => {
                let to = address::evaluated(cx, &self.address)?;
                let mails = Counted::of(cx, &to, self.own_address, None).mails;
                if mails.iter().any(|mails| cx.is_full(&mails.key())) {
                    cx.withhold_mail();
                    return Err(Fault::new("mail: too many mails to one address"));
                }
                for mails in &mails {
                    cx.count(mails.add());
                }
                self.send(cx, to)?;
                Ok(Turn::Finish(Box::new(Finish::by("next"))))
            }
            Event::Answered(_) | Event::Submitted(_) => Err(answer_mismatch("mail")),
        }
    }
}

impl SendMail {
    fn send(&self, cx: &mut Cx<'_>, to: String) -> Result<(), Fault> {
        let mail = Mail {
            id: cx.effect_id(),
            connection: self.connection.clone(),
            to,
            subject: cx.rendered(&self.subject)?,
            body: vec![cx.rendered(&self.body)?],
            code: None,
            locale: cx.locale().map(str::to_owned),
        };
        cx.mail(mail);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![Example::of(
        json!({ "connection": "mail", "to": "form.email", "subject": "hello", "body": "other" }),
    )]
}

//! `oneTimeCode`: mails a short code and asks for it.
//!
//! Proves that the visitor reads the address. When the address is the identified user's own, it also proves the
//! factor `otp` (RFC 8176). A code works once, for ten minutes, in this browser and this step only, and a newer one
//! replaces it (checklist T-9).
//!
//! ```yaml
//! - id: code
//!   oneTimeCode: { connection: mail }
//!   outcomes: { next: done }
//! ```

use idflow_core::Value;
use idflow_core::chance::{decimal_code, token};
use idflow_core::digest::Digest;
use idflow_core::effect::{Answer, Ask, EffectClass, Foreseen, Mail, Submission};
use idflow_core::name::{self, with_ascii_digits};
use idflow_core::time::{Span, Timestamp};
use idflow_core::view::{Action, Field, FieldType, Message, Severity, Text, View};
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{
    AttributeUse, Facts, Outcome, Output, ProofFact, ReferenceKind, SettingsError, Sink, ValueType,
};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan, origin, place};
use idflow_sandbox::Expression;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::throttle::{Throttle, any_full};
use crate::shared::{address, answer_mismatch, settings};

const DIGITS: i64 = 6;
const LIFETIME: Span = Span::minutes(10);
const OWN_ADDRESS: &str = "user.email";

/// Settings of `oneTimeCode`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The Connection of kind smtp that sends the mail.
    #[schemars(length(min = 1, max = 253))]
    connection: String,
    /// A CEL expression for the address. Absent means `user.email`, the identified user's own.
    #[schemars(length(min = 1, max = 1024))]
    to: Option<String>,
    /// How many digits the code has, 6 to 8. Absent means 6.
    #[schemars(range(min = 6, max = 8))]
    digits: Option<i64>,
    /// How long the code works, at most `10m`. Absent means `10m`.
    #[schemars(length(min = 2, max = 16), regex(pattern = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"))]
    lifetime: Option<String>,
}

impl Settings {
    fn lifetime(&self) -> Result<Span, SettingsError> {
        let lifetime = self.lifetime.as_deref().map_or(Ok(LIFETIME), str::parse);
        lifetime.ok().filter(|span| *span > Span(0) && *span <= LIFETIME).ok_or_else(|| SettingsError {
            pointer: "/lifetime".to_owned(),
            message: "the lifetime of a code is a duration of at most 10m".to_owned(),
            help: "write for example 5m; guessing has to stay hopeless while a code works".to_owned(),
        })
    }
}

/// What everybody reads about `oneTimeCode`.
pub static KIND: Kind = Kind {
    name: "oneTimeCode",
    group: Group::Authentication,
    summary: "Mails a short code and asks for it.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let address = compiler.expression("/to", settings.to.as_deref().unwrap_or(OWN_ADDRESS), Sink::Mail);
    let own = address::own_attributes(&address);
    let rests_on = own.iter().flatten().map(|name| AttributeUse {
        pointer: "/to".to_owned(),
        name: (*name).to_owned(),
        identifies: false,
    });
    let rests_on = rests_on.collect();
    let node = OneTimeCode {
        own_address: own.is_some(),
        digits: u32::try_from(settings.digits.unwrap_or(DIGITS)).unwrap_or(6).clamp(6, 8),
        lifetime: settings.lifetime()?,
        connection: compiler.connection(ReferenceKind::SmtpConnection, settings.connection),
        address,
    };
    let mut next = Outcome::wired("next").proving(ProofFact::Address(place(&node.address)));
    if node.own_address {
        next = next.proving(ProofFact::Factor("otp"));
    }
    let facts = Facts {
        shows_page: true,
        rests_on,
        needs_user: node.own_address,
        outcomes: vec![next, Outcome::optional("locked")],
        outputs: vec![Output {
            repeats: origin(&node.address),
            ..Output::always("address", ValueType::String)
        }],
        effects: vec![EffectClass::AtMostOnce],
        ..Facts::default()
    };
    Ok(node::plan(facts, node))
}

#[derive(Debug)]
struct OneTimeCode {
    connection: String,
    address: Expression,
    own_address: bool,
    digits: u32,
    lifetime: Span,
}

/// A code that was mailed: its salted digest, never the code.
#[derive(Clone, Serialize, Deserialize)]
struct Sent {
    address: String,
    salt: String,
    digest: Digest,
    expires: Timestamp,
}

#[derive(Serialize, Deserialize)]
enum State {
    ExpectCode { sent: Option<Sent>, address: String },
    ExpectGuessCounts { sent: Option<Sent>, address: String },
}

impl Node for OneTimeCode {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered => {
                let address = address::evaluated(cx, &self.address)?;
                self.send(cx, address, None)
            }
            Event::Submitted(submission) => self.submitted(cx, &submission),
            Event::Answered(answer) => self.answered(cx, answer),
        }
    }

    fn foresees(&self, cx: &Cx<'_>) -> Foreseen {
        let Ok(Some(State::ExpectCode { address, .. })) = cx.state() else { return Foreseen::default() };
        Foreseen {
            counters: throttles(cx, &address).iter().map(Throttle::key).collect(),
            ..Foreseen::default()
        }
    }
}

impl OneTimeCode {
    /// Sends a code, unless too many mails went to the address: the commit that counts one more tells.
    fn send(&self, cx: &mut Cx<'_>, address: String, previous: Option<Sent>) -> Result<Turn, Fault> {
        let mails = Throttle::mail(&address);
        if cx.is_full(&mails.key()) {
            cx.withhold_mail();
            let usable = previous.filter(|sent| cx.now() < sent.expires);
            return self.show(cx, usable, address, None, Some("code-too-many-mails"));
        }
        cx.count(mails.add());
        let resent = previous.is_some().then_some("code-sent-again");
        let sent = self.mail(cx, &address);
        self.show(cx, Some(sent), address, None, resent)
    }

    fn submitted(&self, cx: &mut Cx<'_>, submission: &Submission) -> Result<Turn, Fault> {
        let Some(State::ExpectCode { sent, address }) = cx.state()? else {
            return Err(Fault::new("oneTimeCode was posted to without having asked for a code"));
        };
        if submission.action == "resend" {
            return self.send(cx, address, sent);
        }
        if entered_code(submission).is_none() {
            return self.show(cx, sent, address, Some("error-code-format"), None);
        }
        let keys = throttles(cx, &address).iter().map(Throttle::key).collect();
        cx.keep(&State::ExpectGuessCounts { sent, address })?;
        Ok(Turn::Ask(Box::new(Ask::ReadCounters { keys })))
    }

    fn answered(&self, cx: &mut Cx<'_>, answer: Answer) -> Result<Turn, Fault> {
        match (cx.state()?, answer) {
            (Some(State::ExpectGuessCounts { sent, address }), Answer::Counts(counts)) => {
                if any_full(&throttles(cx, &address), &counts, cx.now()) {
                    return Ok(Turn::Finish(Box::new(Finish::by("locked"))));
                }
                self.judge(cx, sent, address)
            }
            _ => Err(answer_mismatch("oneTimeCode")),
        }
    }

    fn judge(&self, cx: &mut Cx<'_>, sent: Option<Sent>, address: String) -> Result<Turn, Fault> {
        let entered = cx.submission().and_then(entered_code).unwrap_or_default();
        let right = sent.as_ref().is_some_and(|sent| {
            cx.now() < sent.expires && sent.digest.matches(&digest(&sent.salt, &entered))
        });
        let throttles = throttles(cx, &address);
        if !right {
            for throttle in throttles {
                cx.count(throttle.add());
            }
            return self.show(cx, sent, address, Some("error-code-wrong"), None);
        }
        if let Some(account) = throttles.first() {
            cx.count(account.reset());
        }
        let mut finish = Finish { address: Some(format!("email:{address}")), ..Finish::by("next") };
        finish.outputs.insert("address".to_owned(), Value::String(address));
        Ok(Turn::Finish(Box::new(finish)))
    }

    fn mail(&self, cx: &mut Cx<'_>, address: &str) -> Sent {
        let code = decimal_code(cx.chance(), self.digits);
        let salt = token(cx.chance());
        let minutes = (self.lifetime.whole_seconds() + 59) / 60;
        let mail = Mail {
            id: cx.effect_id(),
            connection: self.connection.clone(),
            to: address.to_owned(),
            subject: Text::product("mail-code-subject"),
            body: vec![
                Text::product("mail-code-body"),
                Text::with("mail-code-lifetime", [("minutes", minutes.to_string())]),
                Text::product("mail-code-ignore"),
            ],
            code: Some(code.clone()),
            locale: cx.locale().map(str::to_owned),
        };
        cx.mail(mail);
        Sent {
            address: address.to_owned(),
            digest: digest(&salt, &code),
            salt,
            expires: cx.now().plus(self.lifetime),
        }
    }

    fn show(
        &self,
        cx: &mut Cx<'_>,
        sent: Option<Sent>,
        address: String,
        error: Option<&str>,
        notice: Option<&str>,
    ) -> Result<Turn, Fault> {
        // Where nothing was sent yet, the page must not send anybody to look for it.
        let told = |key| Text::with(key, [("address", address.clone())]);
        let (lead, notice) = match &sent {
            Some(_) => (told("one-time-code-lead"), notice),
            None => (told("one-time-code-withheld"), None),
        };
        let view = View {
            kind: "oneTimeCode".to_owned(),
            title: Text::product("one-time-code-title"),
            lead: Some(lead),
            messages: notice
                .map(|key| Message {
                    severity: if key == "code-sent-again" { Severity::Success } else { Severity::Warning },
                    text: Text::product(key),
                })
                .into_iter()
                .collect(),
            fields: vec![Field { error: error.map(Text::product), ..Field::asking("code", FieldType::Code) }],
            actions: vec![
                Action::next(Text::product("one-time-code-submit")),
                Action::aside("resend", Text::product("action-resend")),
            ],
            identifier: if self.own_address { cx.identifier() } else { None },
        };
        cx.keep(&State::ExpectCode { sent, address })?;
        Ok(Turn::Show(Box::new(view)))
    }
}

/// The account's counter first (the identified user's, else the address's), then the client address's.
fn throttles(cx: &Cx<'_>, address: &str) -> Vec<Throttle> {
    let account = cx
        .user()
        .map_or_else(|| Throttle::name("oneTimeCode", address), |user| Throttle::user("oneTimeCode", user));
    let mut throttles = vec![account];
    throttles.extend(cx.network().map(|network| Throttle::client("oneTimeCode", network)));
    throttles
}

/// The digits entered, without the spaces and dashes that people add.
fn entered_code(submission: &Submission) -> Option<String> {
    let text = submission.fields.get("code")?.as_str()?;
    let text = name::shown(text);
    let digits: String = with_ascii_digits(&text)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '‐' | '‑'))
        .collect();
    let plausible = (6..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plausible.then_some(digits)
}

fn digest(salt: &str, code: &str) -> Digest {
    Digest::of_parts(&[salt.as_bytes(), code.as_bytes()])
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "connection": "mail" })).for_user().posts(json!({ "code": "$code" })),
        Example::of(json!({ "connection": "mail", "to": "form.email", "digits": 8, "lifetime": "5m" }))
            .posts(json!({ "code": "$code" })),
    ]
}

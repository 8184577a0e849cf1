//! `oneTimeCode`: sends a short code by the channel that it names, `email`, and asks for it.
//!
//! Proves that the visitor reads the address. When the address is the identified user's own, it also proves the
//! factor `otp` (RFC 8176). A code works once, for ten minutes, in this browser and this step only, and a newer one
//! replaces it (checklist T-9). Five wrong codes end it, and ten end the journey's tries (T-6). Once strangers have entered
//! ten wrong codes for an address within a day, or who has shown a factor of the account, these get eight digits.
//!
//! What strangers do uses up nothing of who has shown more than an address (P-8, T-12):
//!
//! | Who asks for codes to an address | Mails of their own | Shared by all who are alike |
//! |---|---|---|
//! | Has shown a factor of the account whose own address it is | 5 in 10 minutes | 20 an hour, until the account has proven it by a code |
//! | Has read a mail to it in this journey | 5 in 10 minutes | |
//! | Sits at a browser by which somebody has signed in who had proven it | 5 an hour, then as everybody | 20 an hour |
//! | Everybody else | 5 in 10 minutes for each network | 20 an hour |
//!
//! So whoever asks for codes to somebody's address in order to keep them from theirs needs several networks, and then
//! keeps out only who neither knows the password nor sits at a browser that is known: they wait for up to an hour. A
//! mail is not sent either while its code would not be looked at.
//!
//! ```yaml
//! - id: code
//!   oneTimeCode: { email: { connection: mail } }
//!   outcomes: { next: done }
//! ```

use idflow_core::Value;
use idflow_core::counter::Count;
use idflow_core::effect::{Answer, Ask, EffectClass, Foreseen, Mail, Submission};
use idflow_core::time::{Span, Timestamp};
use idflow_core::view::{Action, ActionStyle, Field, FieldType, Message, Severity, Text, View};
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{
    AttributeUse, Facts, Outcome, Output, ProofFact, ReferenceKind, SettingsError, Sink, ValueType,
};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan, origin, place};
use idflow_sandbox::{Expression, Type};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::asker::Counted;
use crate::shared::code::{Sent, entered_code};
use crate::shared::throttle::{Throttle, closed_until, in_minutes};
use crate::shared::{address, answer_mismatch, settings};

const DIGITS: i64 = 6;

/// How many digits a code has that many may have guessed at.
const MOST_DIGITS: u32 = 8;
const LIFETIME: Span = Span::minutes(10);

const OWN_ADDRESS: &str = "user.email";

/// Settings of `oneTimeCode`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// Sends the code by mail. A code has exactly one channel.
    email: Option<Email>,
    /// How many digits the code has, 6 to 8; one for an address at which strangers have guessed has 8. Absent means 6.
    #[schemars(range(min = 6, max = 8))]
    digits: Option<i64>,
    /// How long the code works, at most `10m`. Absent means `10m`.
    #[schemars(length(min = 2, max = 16), regex(pattern = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"))]
    lifetime: Option<String>,
}

/// A code by mail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Email {
    /// The Connection of kind smtp that sends the mail.
    #[schemars(length(min = 1, max = 253))]
    connection: String,
    /// A CEL expression for the address. Absent means `user.email`, the identified user's own.
    #[schemars(length(min = 1, max = 1024))]
    to: Option<String>,
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
    summary: "Sends a short code and asks for it.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let mut settings: Settings = settings::parse(value)?;
    let Email { connection, to } = settings.email.take().ok_or_else(no_channel)?;
    let to = to.as_deref().unwrap_or(OWN_ADDRESS);
    let address = compiler.expression_of("/email/to", to, Sink::Mail, &Type::String);
    let own = address::own_attributes(&address);
    let rests_on = own.iter().flatten().map(|name| AttributeUse {
        pointer: "/email/to".to_owned(),
        name: (*name).to_owned(),
        identifies: false,
    });
    let rests_on = rests_on.collect();
    let node = OneTimeCode {
        own_address: own.is_some(),
        digits: u32::try_from(settings.digits.unwrap_or(DIGITS)).unwrap_or(6).clamp(6, MOST_DIGITS),
        lifetime: settings.lifetime()?,
        connection: compiler.connection("/email/connection", ReferenceKind::SmtpConnection, connection),
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

fn no_channel() -> SettingsError {
    SettingsError {
        pointer: String::new(),
        message: "a code has exactly one channel".to_owned(),
        help: "write email: { connection: <the Connection that sends the mail> }".to_owned(),
    }
}

#[derive(Debug)]
struct OneTimeCode {
    connection: String,
    address: Expression,
    own_address: bool,
    digits: u32,
    lifetime: Span,
}

/// What the step knows of whom it asks for a code.
#[derive(Serialize, Deserialize)]
struct Asked {
    sent: Option<Sent>,
    address: String,
    /// The device that they sit at, where it is one of somebody who reads the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "a state is named for what it expects")]
enum State {
    ExpectDevice(Asked),
    ExpectCode(Asked),
    ExpectGuessCounts(Asked),
    ExpectMailCounts(Asked),
}

impl Node for OneTimeCode {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered => {
                let address = address::evaluated(cx, &self.address)?;
                self.entered(cx, Asked { sent: None, address, device: None })
            }
            Event::Submitted(submission) => self.submitted(cx, &submission),
            Event::Answered(answer) => self.answered(cx, answer),
        }
    }

    fn foresees(&self, cx: &Cx<'_>) -> Foreseen {
        let Ok(Some(State::ExpectCode(asked))) = cx.state() else { return Foreseen::default() };
        Foreseen { counters: self.counted(cx, &asked).before_verdict(), ..Foreseen::default() }
    }
}

impl OneTimeCode {
    fn counted(&self, cx: &Cx<'_>, asked: &Asked) -> Counted {
        Counted::of(cx, &asked.address, self.own_address, asked.device.as_deref())
    }

    fn entered(&self, cx: &mut Cx<'_>, asked: Asked) -> Result<Turn, Fault> {
        if cx.devices().is_empty() {
            return self.send(cx, asked);
        }
        let devices = cx.devices().to_vec();
        let ask = Ask::RecognizeReader { address: asked.address.clone(), devices };
        cx.keep(&State::ExpectDevice(asked))?;
        Ok(Turn::Ask(Box::new(ask)))
    }

    /// Sends a code, unless a counter is full: the commit that counts one more tells.
    fn send(&self, cx: &mut Cx<'_>, asked: Asked) -> Result<Turn, Fault> {
        let counted = self.counted(cx, &asked);
        if cx.is_full(&counted.tries.key()) {
            return Ok(Turn::Finish(Box::new(Finish::by("locked"))));
        }
        let keys = counted.before_mail();
        if keys.iter().any(|key| cx.is_full(key)) {
            cx.keep(&State::ExpectMailCounts(asked))?;
            return Ok(Turn::Ask(Box::new(Ask::ReadCounters { keys })));
        }
        std::iter::once(&counted.tries).chain(counted.guesses()).for_each(|guesses| cx.count(guesses.require()));
        counted.mails.iter().for_each(|mails| cx.count(mails.add()));
        let page = if asked.sent.is_some() { Page::SentAgain } else { Page::Sent };
        let digits = self.digits_of_next(cx, counted.row.as_ref());
        let sent = Some(self.mail(cx, &asked.address, digits));
        self.show(cx, Asked { sent, ..asked }, page)
    }

    /// How many digits the next code has: the commit tells when too many guessed at those before.
    fn digits_of_next(&self, cx: &mut Cx<'_>, row: Option<&Throttle>) -> u32 {
        match row.filter(|_| self.digits < MOST_DIGITS) {
            Some(row) if cx.is_full(&row.key()) => MOST_DIGITS,
            Some(row) => {
                cx.count(row.require());
                self.digits
            }
            None => self.digits,
        }
    }

    fn digits(&self, sent: &Sent) -> u32 {
        sent.digits.unwrap_or(self.digits)
    }

    fn submitted(&self, cx: &mut Cx<'_>, submission: &Submission) -> Result<Turn, Fault> {
        let Some(State::ExpectCode(asked)) = cx.state()? else {
            return Err(Fault::new("oneTimeCode was posted to without having asked for a code"));
        };
        if submission.action == "resend" || asked.sent.is_none() {
            return self.send(cx, asked);
        }
        if entered_code(submission).is_none() {
            return self.show(cx, asked, Page::Refused("error-code-digits"));
        }
        let keys = self.counted(cx, &asked).before_verdict();
        cx.keep(&State::ExpectGuessCounts(asked))?;
        Ok(Turn::Ask(Box::new(Ask::ReadCounters { keys })))
    }

    fn answered(&self, cx: &mut Cx<'_>, answer: Answer) -> Result<Turn, Fault> {
        match (cx.state()?, answer) {
            (Some(State::ExpectDevice(asked)), Answer::Device(device)) => {
                self.send(cx, Asked { device, ..asked })
            }
            (Some(State::ExpectGuessCounts(mut asked)), Answer::Counts(counts)) => {
                let sent = asked.sent.take().ok_or_else(|| answer_mismatch("oneTimeCode"))?;
                self.looked_at(cx, sent, asked, &counts)
            }
            (Some(State::ExpectMailCounts(asked)), Answer::Counts(counts)) => {
                self.withhold(cx, asked, &counts)
            }
            _ => Err(answer_mismatch("oneTimeCode")),
        }
    }

    /// What becomes of a code that was entered, by what was counted before.
    fn looked_at(
        &self,
        cx: &mut Cx<'_>,
        sent: Sent,
        asked: Asked,
        counts: &[Count],
    ) -> Result<Turn, Fault> {
        let counted = self.counted(cx, &asked);
        let mut counts = counts.iter();
        if counts.next().is_none_or(|tries| counted.tries.is_used_up(*tries)) {
            return Ok(Turn::Finish(Box::new(Finish::by("locked"))));
        }
        if let Some(moment) = closed_until(counted.guesses(), &mut counts, cx.now()) {
            cx.wait_until(moment);
            return self.show(cx, Asked { sent: Some(sent), ..asked }, Page::Early(moment));
        }
        let open_row = counted.row.as_ref().filter(|row| {
            closed_until([*row], &mut counts, cx.now()).is_none() && !cx.is_full(&row.key())
        });
        let is_too_short =
            counted.row.is_some() && open_row.is_none() && self.digits(&sent) < MOST_DIGITS;
        if cx.now() >= sent.expires {
            self.show(cx, asked, Page::Void("error-code-expired"))
        } else if is_too_short {
            self.show(cx, asked, Page::Void("error-code-void"))
        } else {
            self.judge(cx, sent, asked, &counted, open_row)
        }
    }

    /// Says until when no code is sent. The one before still works.
    fn withhold(&self, cx: &mut Cx<'_>, asked: Asked, counts: &[Count]) -> Result<Turn, Fault> {
        cx.withhold_mail();
        let counted = self.counted(cx, &asked);
        let mut counts = counts.iter();
        let mails = closed_until(&counted.mails, &mut counts, cx.now());
        let guesses = closed_until(counted.guesses(), &mut counts, cx.now());
        let moment = mails.max(guesses).unwrap_or(cx.now());
        let sent = asked.sent.filter(|sent| cx.now() < sent.expires);
        if sent.is_none() {
            cx.wait_until(moment);
        }
        let page = if guesses.is_some() { Page::Early(moment) } else { Page::Withheld(moment) };
        self.show(cx, Asked { sent, ..asked }, page)
    }

    /// The verdict over a code. The row counts guesses at the address, unless there were too many.
    fn judge(
        &self,
        cx: &mut Cx<'_>,
        sent: Sent,
        asked: Asked,
        counted: &Counted,
        row: Option<&Throttle>,
    ) -> Result<Turn, Fault> {
        let entered = cx.submission().and_then(entered_code).unwrap_or_default();
        if !sent.is(&entered) {
            let all = std::iter::once(&counted.tries).chain(counted.guesses()).chain(row);
            all.for_each(|guesses| cx.count(guesses.add()));
            let sent = sent.missed();
            let page = match &sent {
                Some(_) => Page::Refused("error-code-wrong"),
                None => Page::Void("error-code-void"),
            };
            return self.show(cx, Asked { sent, ..asked }, page);
        }
        // Of guesses that come at the same moment no more are right than are looked at.
        if let Some(row) = row.filter(|_| self.digits(&sent) < MOST_DIGITS) {
            cx.count(row.require());
        }
        if let Some(account) = &counted.account {
            cx.count(account.reset());
        }
        // Whoever has read the mails to an address has not been sent too many.
        counted.mails.iter().take(1).for_each(|own| cx.count(own.clear()));
        let mut finish = Finish { address: Some(format!("email:{}", asked.address)), ..Finish::by("next") };
        finish.outputs.insert("address".to_owned(), Value::String(asked.address));
        Ok(Turn::Finish(Box::new(finish)))
    }

    fn mail(&self, cx: &mut Cx<'_>, address: &str, digits: u32) -> Sent {
        let (code, sent) = Sent::new(cx, address, digits, self.lifetime);
        let minutes = in_minutes(self.lifetime);
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
            code: Some(code),
            locale: cx.locale().map(str::to_owned),
        };
        cx.mail(mail);
        sent
    }

    fn show(&self, cx: &mut Cx<'_>, asked: Asked, page: Page) -> Result<Turn, Fault> {
        let address = asked.address.clone();
        let resend = Action::aside("resend", Text::product("action-resend"));
        // Where there is no code to enter, nobody is sent to look for it.
        let (lead, fields, actions) = if let Some(sent) = &asked.sent {
            let digits = ("digits", self.digits(sent).to_string());
            let error = match page {
                Page::Refused(key) => Some(Text::with(key, [digits.clone()])),
                _ => None,
            };
            let next = Action::next(Text::product("one-time-code-submit"));
            let code = Field { error, ..Field::asking("code", FieldType::Code) };
            let lead = Text::with("one-time-code-sent", [("address", address), digits]);
            (lead, vec![code], vec![next, resend])
        } else {
            let resend = Action { style: ActionStyle::Primary, ..resend };
            (Text::with("one-time-code-none", [("address", address)]), Vec::new(), vec![resend])
        };
        let view = View {
            kind: "oneTimeCode".to_owned(),
            title: Text::product("one-time-code-title"),
            lead: Some(lead),
            messages: page.message(cx.now()).into_iter().collect(),
            fields,
            actions,
            identifier: if self.own_address { cx.identifier() } else { None },
        };
        cx.keep(&State::ExpectCode(asked))?;
        Ok(Turn::Show(Box::new(view)))
    }
}

/// What the page says beside where the code went.
#[derive(Debug, Clone, Copy)]
enum Page {
    Sent,
    SentAgain,
    /// The entered code is none.
    Refused(&'static str),
    /// The code that was sent counts no more.
    Void(&'static str),
    /// No code is looked at before this moment.
    Early(Timestamp),
    /// No code is sent before this moment.
    Withheld(Timestamp),
}

impl Page {
    fn message(self, now: Timestamp) -> Option<Message> {
        let (severity, text) = match self {
            Self::Sent | Self::Refused(_) => return None,
            Self::SentAgain => (Severity::Success, Text::product("code-sent-again")),
            Self::Void(key) => (Severity::Error, Text::product(key)),
            Self::Early(moment) => (Severity::Error, within("error-code-wait", moment, now)),
            Self::Withheld(moment) => (Severity::Warning, within("code-too-many-mails", moment, now)),
        };
        Some(Message { severity, text })
    }
}

/// When to come again.
fn within(key: &str, moment: Timestamp, now: Timestamp) -> Text {
    let minutes = in_minutes(moment.since(now));
    Text::with(key, [("minutes", minutes.max(1).to_string())])
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "email": { "connection": "mail" } })).for_user().posts(json!({ "code": "$code" })),
        Example::of(json!({ "email": { "connection": "mail", "to": "form.email" }, "digits": 8, "lifetime": "5m" }))
            .posts(json!({ "code": "$code" })),
    ]
}

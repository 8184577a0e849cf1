//! `oneTimeCode`: mails a short code and asks for it.
//!
//! Proves that the visitor reads the address. When the address is the identified user's own, it also proves the
//! factor `otp` (RFC 8176). A code works once, for ten minutes, in this browser and this step only, and a newer one
//! replaces it (checklist T-9). Five wrong codes end it, and ten end the journey's tries (T-6). Once anybody has entered
//! ten wrong codes for an address within a day, whoever has shown nothing else gets codes of eight digits.
//!
//! Who has shown a factor of the account, or has read a mail to the address in this journey, has five mails in ten
//! minutes of their own. Everybody else has five per network and address, and all of them together twenty an hour: who
//! asks for codes to somebody's address in order to keep them out needs several networks, and does not touch those who
//! know the password (P-8, T-12).
//!
//! ```yaml
//! - id: code
//!   oneTimeCode: { connection: mail }
//!   outcomes: { next: done }
//! ```

use idflow_core::Value;
use idflow_core::chance::{decimal_code, token};
use idflow_core::counter::Count;
use idflow_core::digest::Digest;
use idflow_core::effect::{Answer, Ask, EffectClass, Foreseen, Mail, Submission};
use idflow_core::name::{self, with_ascii_digits};
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

use crate::shared::asker::Asker;
use crate::shared::throttle::{Throttle, closed_until, in_minutes};
use crate::shared::{address, answer_mismatch, settings};

const DIGITS: i64 = 6;

/// How many digits a code has that many may have guessed at.
const MOST_DIGITS: u32 = 8;
const LIFETIME: Span = Span::minutes(10);

/// How many wrong codes end the one that was sent.
const MOST_WRONG: u8 = 5;
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
    /// How many digits the code has, 6 to 8; one for an address at which strangers have guessed has 8. Absent means 6.
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
    let to = settings.to.as_deref().unwrap_or(OWN_ADDRESS);
    let address = compiler.expression_of("/to", to, Sink::Mail, Type::String);
    let own = address::own_attributes(&address);
    let rests_on = own.iter().flatten().map(|name| AttributeUse {
        pointer: "/to".to_owned(),
        name: (*name).to_owned(),
        identifies: false,
    });
    let rests_on = rests_on.collect();
    let node = OneTimeCode {
        own_address: own.is_some(),
        digits: u32::try_from(settings.digits.unwrap_or(DIGITS)).unwrap_or(6).clamp(6, MOST_DIGITS),
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
    /// How many digits it has; absent in what an earlier release has stored, which had as many as the setting says.
    #[serde(default)]
    digits: Option<u32>,
    expires: Timestamp,
    /// How many wrong codes were entered in its place.
    #[serde(default)]
    wrong: u8,
}

#[derive(Serialize, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "a state is named for what it expects")]
enum State {
    ExpectCode { sent: Option<Sent>, address: String },
    ExpectGuessCounts { sent: Option<Sent>, address: String },
    ExpectMailCounts { sent: Option<Sent>, address: String },
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
        Foreseen { counters: self.asker(cx, &address).looks(cx, &address), ..Foreseen::default() }
    }
}

impl OneTimeCode {
    fn asker(&self, cx: &Cx<'_>, address: &str) -> Asker {
        Asker::of(cx, address, self.own_address)
    }

    /// What keeps a code from being sent: too many mails, or wrong codes that would keep it from being looked at.
    fn before_mail(&self, cx: &Cx<'_>, address: &str) -> (Vec<Throttle>, Option<Throttle>) {
        let asker = self.asker(cx, address);
        (asker.mails(cx, address), asker.account())
    }

    /// Sends a code, unless a counter is full: the commit that counts one more tells.
    fn send(&self, cx: &mut Cx<'_>, address: String, previous: Option<Sent>) -> Result<Turn, Fault> {
        let tries = Asker::tries(cx);
        if cx.is_full(&tries.key()) {
            return Ok(Turn::Finish(Box::new(Finish::by("locked"))));
        }
        let (mails, account) = self.before_mail(cx, &address);
        let keys: Vec<_> = mails.iter().chain(&account).map(Throttle::key).collect();
        if keys.iter().any(|key| cx.is_full(key)) {
            cx.keep(&State::ExpectMailCounts { sent: previous, address })?;
            return Ok(Turn::Ask(Box::new(Ask::ReadCounters { keys })));
        }
        std::iter::once(&tries).chain(&account).for_each(|guesses| cx.count(guesses.require()));
        for mails in &mails {
            cx.count(mails.add());
        }
        let page = if previous.is_some() { Page::SentAgain } else { Page::Sent };
        let digits = self.digits_of_next(cx, &address);
        let sent = self.mail(cx, &address, digits);
        self.show(cx, Some(sent), address, page)
    }

    /// How many digits the next code has: the commit tells when strangers have guessed too often at those before.
    fn digits_of_next(&self, cx: &mut Cx<'_>, address: &str) -> u32 {
        match self.asker(cx, address).guessed(address).filter(|_| self.digits < MOST_DIGITS) {
            Some(guessed) if cx.is_full(&guessed.key()) => MOST_DIGITS,
            Some(guessed) => {
                cx.count(guessed.require());
                self.digits
            }
            None => self.digits,
        }
    }

    fn digits(&self, sent: &Sent) -> u32 {
        sent.digits.unwrap_or(self.digits)
    }

    fn submitted(&self, cx: &mut Cx<'_>, submission: &Submission) -> Result<Turn, Fault> {
        let Some(State::ExpectCode { sent, address }) = cx.state()? else {
            return Err(Fault::new("oneTimeCode was posted to without having asked for a code"));
        };
        if submission.action == "resend" || sent.is_none() {
            return self.send(cx, address, sent);
        }
        if entered_code(submission).is_none() {
            return self.show(cx, sent, address, Page::Refused("error-code-digits"));
        }
        let keys = self.asker(cx, &address).looks(cx, &address);
        cx.keep(&State::ExpectGuessCounts { sent, address })?;
        Ok(Turn::Ask(Box::new(Ask::ReadCounters { keys })))
    }

    fn answered(&self, cx: &mut Cx<'_>, answer: Answer) -> Result<Turn, Fault> {
        match (cx.state()?, answer) {
            (Some(State::ExpectGuessCounts { sent: Some(sent), address }), Answer::Counts(counts)) => {
                self.counted(cx, sent, address, &counts)
            }
            (Some(State::ExpectMailCounts { sent, address }), Answer::Counts(counts)) => {
                self.withhold(cx, sent, address, &counts)
            }
            _ => Err(answer_mismatch("oneTimeCode")),
        }
    }

    /// What becomes of a code that was entered, by what was counted before.
    fn counted(
        &self,
        cx: &mut Cx<'_>,
        sent: Sent,
        address: String,
        counts: &[Count],
    ) -> Result<Turn, Fault> {
        let asker = self.asker(cx, &address);
        let guesses = asker.guesses(cx);
        let (counts, of_row) = counts.split_at(guesses.len().min(counts.len()));
        // The journey's own tries stand first, and no wait gives more of them.
        if guesses.first().zip(counts.first()).is_none_or(|(own, count)| own.is_used_up(*count)) {
            return Ok(Turn::Finish(Box::new(Finish::by("locked"))));
        }
        if let Some(moment) = closed_until(&guesses, counts, cx.now()) {
            cx.wait_until(moment);
            return self.show(cx, Some(sent), address, Page::Early(moment));
        }
        let row = asker.guessed(&address).filter(|row| {
            let is_full = closed_until(std::slice::from_ref(row), of_row, cx.now()).is_some();
            !is_full && !cx.is_full(&row.key())
        });
        let is_too_short =
            asker == Asker::Stranger && row.is_none() && self.digits(&sent) < MOST_DIGITS;
        if cx.now() >= sent.expires {
            self.show(cx, None, address, Page::Void("error-code-expired"))
        } else if is_too_short {
            self.show(cx, None, address, Page::Void("error-code-void"))
        } else {
            self.judge(cx, sent, address, row.as_ref())
        }
    }

    /// Says until when no code is sent. The one before still works.
    fn withhold(
        &self,
        cx: &mut Cx<'_>,
        sent: Option<Sent>,
        address: String,
        counts: &[Count],
    ) -> Result<Turn, Fault> {
        cx.withhold_mail();
        let (mails, account) = self.before_mail(cx, &address);
        let (of_mails, of_account) = counts.split_at(mails.len().min(counts.len()));
        let account = account.and_then(|account| closed_until(&[account], of_account, cx.now()));
        let mails = closed_until(&mails, of_mails, cx.now());
        let moment = mails.max(account).unwrap_or(cx.now());
        let usable = sent.filter(|sent| cx.now() < sent.expires);
        if usable.is_none() {
            cx.wait_until(moment);
        }
        let page = if account.is_some() { Page::Early(moment) } else { Page::Withheld(moment) };
        self.show(cx, usable, address, page)
    }

    /// The verdict over a code. The row counts strangers' guesses at the address, unless there were too many.
    fn judge(
        &self,
        cx: &mut Cx<'_>,
        sent: Sent,
        address: String,
        row: Option<&Throttle>,
    ) -> Result<Turn, Fault> {
        let entered = cx.submission().and_then(entered_code).unwrap_or_default();
        let asker = self.asker(cx, &address);
        if !sent.digest.matches(&digest(&sent.salt, &entered)) {
            asker.guesses(cx).iter().chain(row).for_each(|guesses| cx.count(guesses.add()));
            let sent = Sent { wrong: sent.wrong.saturating_add(1), ..sent };
            let sent = Some(sent).filter(|sent| sent.wrong < MOST_WRONG);
            let page = match &sent {
                Some(_) => Page::Refused("error-code-wrong"),
                None => Page::Void("error-code-void"),
            };
            return self.show(cx, sent, address, page);
        }
        // Of guesses that come at the same moment no more are right than are looked at.
        if let Some(row) = row.filter(|_| self.digits(&sent) < MOST_DIGITS) {
            cx.count(row.require());
        }
        if let Some(account) = asker.account() {
            cx.count(account.reset());
        }
        // Whoever has read the mails to an address has not been sent too many.
        cx.count(asker.own_mails(cx, &address).clear());
        let mut finish = Finish { address: Some(format!("email:{address}")), ..Finish::by("next") };
        finish.outputs.insert("address".to_owned(), Value::String(address));
        Ok(Turn::Finish(Box::new(finish)))
    }

    fn mail(&self, cx: &mut Cx<'_>, address: &str, digits: u32) -> Sent {
        let code = decimal_code(cx.chance(), digits);
        let salt = token(cx.chance());
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
            code: Some(code.clone()),
            locale: cx.locale().map(str::to_owned),
        };
        cx.mail(mail);
        Sent {
            address: address.to_owned(),
            digest: digest(&salt, &code),
            salt,
            digits: Some(digits),
            expires: cx.now().plus(self.lifetime),
            wrong: 0,
        }
    }

    fn show(
        &self,
        cx: &mut Cx<'_>,
        sent: Option<Sent>,
        address: String,
        page: Page,
    ) -> Result<Turn, Fault> {
        let resend = Action::aside("resend", Text::product("action-resend"));
        // Where there is no code to enter, nobody is sent to look for it.
        let (lead, fields, actions) = if let Some(sent) = &sent {
            let digits = ("digits", self.digits(sent).to_string());
            let error = match page {
                Page::Refused(key) => Some(Text::with(key, [digits.clone()])),
                _ => None,
            };
            let next = Action::next(Text::product("one-time-code-submit"));
            let code = Field { error, ..Field::asking("code", FieldType::Code) };
            let lead = Text::with("one-time-code-sent", [("address", address.clone()), digits]);
            (lead, vec![code], vec![next, resend])
        } else {
            let resend = Action { style: ActionStyle::Primary, ..resend };
            (Text::with("one-time-code-none", [("address", address.clone())]), Vec::new(), vec![resend])
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
        cx.keep(&State::ExpectCode { sent, address })?;
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

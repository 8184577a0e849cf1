//! A step of a journey as a page.

use idflow_core::view::{Action, ActionStyle, Message, Severity, Text, View};
use minijinja::Value;
use serde::Serialize;

use crate::aftermath::{Aftermath, AftermathContext};
use crate::field::{self, FieldContext};
use crate::identity::Identity;
use crate::pages::{Base, Page, Pages, RenderError, Visit};
use crate::say::Say;

/// What a journey wants to show.
#[derive(Debug, Clone, Copy)]
pub struct JourneyPage<'a> {
    /// What the step says.
    pub view: &'a View,
    /// Where the form is posted: `/journeys/{id}`.
    pub action: &'a str,
    /// The token bound to this step, attempt and browser (checklist J-10).
    pub token: &'a str,
    /// 200, or 422 for the same page with errors.
    pub status: u16,
    /// Whether the form offers `back`, unless the view does so itself.
    pub can_go_back: bool,
    /// Whether the form offers `cancel`, unless the view does so itself.
    pub can_cancel: bool,
    /// How far the visitor has come, where that is certain.
    pub progress: Option<Progress>,
    /// Where the visitor can go from a last page.
    pub after: Aftermath<'a>,
}

/// Step `step` of `of`, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// This step.
    pub step: u32,
    /// The last step.
    pub of: u32,
}

impl<'a> JourneyPage<'a> {
    /// A page that only says something.
    pub fn of(view: &'a View) -> Self {
        Self {
            view,
            action: "",
            token: "",
            status: 200,
            can_go_back: false,
            can_cancel: false,
            progress: None,
            after: Aftermath::default(),
        }
    }
}

impl Pages {
    /// Renders a step.
    pub fn journey(&self, visit: &Visit<'_>, page: &JourneyPage<'_>) -> Result<Page, RenderError> {
        let say = Say::new(self.texts(), visit.locale, &visit.theme.theme().product_name);
        self.journey_saying(&say, visit, page)
    }

    pub(crate) fn journey_saying(
        &self,
        say: &Say<'_>,
        visit: &Visit<'_>,
        page: &JourneyPage<'_>,
    ) -> Result<Page, RenderError> {
        self.page("journey", page.status, visit, JourneyContext::new(self, visit, say, page))
    }
}

#[derive(Debug, Serialize)]
struct JourneyContext {
    base: Base,
    kind: String,
    icon: Option<&'static str>,
    heading: Value,
    lead: Option<Value>,
    progress: Option<Value>,
    identity: Option<Identity>,
    summary: Option<Summary>,
    messages: Vec<MessageContext>,
    form: Option<FormContext>,
    after: AftermathContext,
}

#[derive(Debug, Serialize)]
struct Summary {
    heading: Option<Value>,
    errors: Vec<SummaryItem>,
}

#[derive(Debug, Serialize)]
struct SummaryItem {
    text: Value,
    target: Option<String>,
    label: Option<Value>,
}

#[derive(Debug, Serialize)]
struct MessageContext {
    severity: &'static str,
    text: Value,
}

#[derive(Debug, Serialize)]
struct FormContext {
    action: String,
    token: String,
    fields: Vec<FieldContext>,
    reveal: Option<Reveal>,
    buttons: Vec<Button>,
    asides: Vec<Button>,
}

/// The words of the button that shows a password; it stays hidden without script.
#[derive(Debug, Serialize)]
struct Reveal {
    show: String,
    hide: String,
    show_label: String,
    hide_label: String,
}

#[derive(Debug, Serialize)]
struct Button {
    name: String,
    label: Value,
    style: &'static str,
}

impl JourneyContext {
    fn new(pages: &Pages, visit: &Visit<'_>, say: &Say<'_>, page: &JourneyPage<'_>) -> Self {
        let view = page.view;
        let summary = Summary::of(view, say);
        let has_secrets = view.fields.iter().any(|field| field::is_password(field.field_type));
        Self {
            base: Base::new(pages, visit, say, &say.plain(&view.title), summary.is_some()),
            kind: view.kind.clone(),
            icon: icon(&view.kind),
            heading: say.html(&view.title),
            lead: view.lead.as_ref().map(|lead| say.html(lead)),
            progress: page.progress.map(|progress| {
                let Progress { step, of } = progress;
                say.html(&Text::with("progress", [("step", step.to_string()), ("of", of.to_string())]))
            }),
            identity: view.identifier.as_ref().map(|name| {
                Identity::new(
                    say,
                    name,
                    has_secrets && view.fields.iter().all(|field| field.name != "username"),
                )
            }),
            messages: view.messages.iter().filter_map(|message| MessageContext::of(message, say)).collect(),
            form: FormContext::of(page, say, summary.is_none()),
            after: AftermathContext::new(visit, say, page.after, onward(&view.kind), view.kind == "fail"),
            summary,
        }
    }
}

impl Summary {
    fn of(view: &View, say: &Say<'_>) -> Option<Self> {
        let told = view.messages.iter().filter(|message| message.severity == Severity::Error);
        let told =
            told.map(|message| SummaryItem { text: say.html(&message.text), target: None, label: None });
        let at_fields = view.fields.iter().enumerate().filter_map(|(index, field)| {
            let text = say.html(field.error.as_ref()?);
            Some(SummaryItem { text, target: Some(field::id(index)), label: Some(say.html(&field.label)) })
        });
        let errors: Vec<SummaryItem> = told.chain(at_fields).collect();
        let needs_heading = errors.len() > 1 || errors.iter().any(|error| error.target.is_some());
        let heading = needs_heading.then(|| say.key("error-summary"));
        (!errors.is_empty()).then_some(Self { heading, errors })
    }
}

impl MessageContext {
    fn of(message: &Message, say: &Say<'_>) -> Option<Self> {
        let severity = match message.severity {
            Severity::Info => "info",
            Severity::Success => "success",
            Severity::Warning => "warning",
            Severity::Error => return None,
        };
        Some(Self { severity, text: say.html(&message.text) })
    }
}

impl FormContext {
    /// Nothing for a page without anything to do, such as the last one.
    fn of(page: &JourneyPage<'_>, say: &Say<'_>, may_focus: bool) -> Option<Self> {
        let view = page.view;
        let (mut asides, mut buttons) = (Vec::new(), Vec::new());
        for action in &view.actions {
            match action.style {
                ActionStyle::Link => asides.push(Button::of(action, say)),
                ActionStyle::Primary | ActionStyle::Secondary => buttons.push(Button::of(action, say)),
            }
        }
        // Enter presses the first button of a form: the primary one stands first in the source.
        buttons.sort_by_key(|button| button.style != "primary");
        for (offered, name, key) in
            [(page.can_go_back, "back", "action-back"), (page.can_cancel, "cancel", "action-cancel")]
        {
            if offered && view.actions.iter().all(|action| action.name != name) {
                asides.push(Button { name: name.to_owned(), label: say.key(key), style: "link" });
            }
        }
        if view.fields.is_empty() && buttons.is_empty() && asides.is_empty() {
            return None;
        }
        let reveal = view.fields.iter().any(|field| field::is_password(field.field_type)).then(|| Reveal {
            show: say.plain_key("password-show"),
            hide: say.plain_key("password-hide"),
            show_label: say.plain_key("password-show-label"),
            hide_label: say.plain_key("password-hide-label"),
        });
        Some(Self {
            action: page.action.to_owned(),
            token: page.token.to_owned(),
            fields: field::contexts(&view.fields, say, may_focus),
            reveal,
            buttons,
            asides,
        })
    }
}

impl Button {
    fn of(action: &Action, say: &Say<'_>) -> Self {
        let style = match action.style {
            ActionStyle::Primary => "primary",
            ActionStyle::Secondary => "secondary",
            ActionStyle::Link => "link",
        };
        Self { name: action.name.clone(), label: say.html(&action.label), style }
    }
}

/// The text on the way on from a last page.
fn onward(kind: &str) -> &'static str {
    if kind == "complete" { "action-continue" } else { "action-start-again" }
}

fn icon(kind: &str) -> Option<&'static str> {
    match kind {
        "complete" => Some("done"),
        "fail" => Some("stop"),
        "oneTimeCode" => Some("mail"),
        _ => None,
    }
}

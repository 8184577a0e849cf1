//! The reference page of every kind, written from its file: what it says of itself, its schema, its facts, its
//! examples and what they show. Nothing in it is written by hand, so nothing in it can be forgotten.

mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use idflow_core::Value;
use idflow_core::effect::{EffectClass, Mail};
use idflow_core::view::{Text, View};
use idflow_flow::facts::{End, Facts, Outcome, Output, ProofFact, Use, ValueType};
use idflow_flow::kinds::{Group, Kind};
use serde_json::json;

use super::example::Example;
use super::pages::shown_by;
use super::stage;

const FOLDER: &str = "../../docs/nodes";

const GROUPS: [(Group, &str); 7] = [
    (Group::Input, "Pages that ask or tell something"),
    (Group::Authentication, "Proof of who somebody is"),
    (Group::Users, "Reading and writing users"),
    (Group::Decision, "Decisions"),
    (Group::Integration, "Calls to the outside"),
    (Group::Logic, "Composition and data"),
    (Group::End, "Ends of a flow"),
];

/// One example of a kind with what is known of it.
struct Told<'e> {
    example: &'e Example,
    facts: Facts,
}

/// What a kind's file says in its first comment: the YAML in it, and the prose without its references to our own
/// papers.
fn introduction(source: &str) -> (String, String) {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!")).skip(1);
    let lines: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let text = lines.join("\n");
    let (mut prose, mut yaml) = (String::new(), String::new());
    for (index, part) in text.split("```").enumerate() {
        match part.strip_prefix("yaml\n").filter(|_| index % 2 == 1) {
            Some(block) => yaml.push_str(block),
            None => prose.push_str(part),
        }
    }
    (yaml, without_our_papers(prose.trim()))
}

/// The text without `(checklist …)` and `(design …)`.
fn without_our_papers(text: &str) -> String {
    let mut text = text.to_owned();
    for opening in [" (checklist ", "\n(checklist ", " (design ", "\n(design "] {
        while let Some((before, rest)) = text.split_once(opening) {
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            text = format!("{before}{after}");
        }
    }
    text
}

/// The page of one kind.
fn page(kind: &'static Kind, source: &str, examples: &[Example]) -> String {
    let told: Vec<Told<'_>> = examples
        .iter()
        .map(|example| Told { example, facts: stage::facts(kind, &example.settings).unwrap() })
        .collect();
    let (yaml, prose) = introduction(source);
    let mut page = format!("# `{}`\n\n{}\n\n```yaml\n{yaml}```\n\n{prose}\n\n", kind.name, kind.summary);
    page.push_str(&at_a_glance(&told));
    page.push_str(&settings::table(kind));
    page.push_str(&outcomes(&told));
    page.push_str(&outputs(&told));
    page.push_str(&shown_examples(kind, &told));
    page.push_str(&texts(kind, examples));
    page
}

/// How many of the examples have something: "yes", "no", or that it depends.
fn holds(told: &[Told<'_>], test: impl Fn(&Facts) -> bool) -> Option<bool> {
    let all = told.iter().all(|one| test(&one.facts));
    let any = told.iter().any(|one| test(&one.facts));
    if all == any { Some(all) } else { None }
}

fn at_a_glance(told: &[Told<'_>]) -> String {
    let page = match holds(told, |facts| facts.shows_page) {
        Some(true) => "shows one and waits for an answer",
        Some(false) => "shows none",
        None => "depends on the settings",
    };
    let user = match holds(told, |facts| facts.needs_user || facts.uses.iter().any(Use::needs_user)) {
        Some(true) => "must be identified before",
        Some(false) => "need not be identified before",
        None => "must be identified before, with some settings",
    };
    let classes: BTreeSet<EffectClass> =
        told.iter().flat_map(|one| one.facts.effects.iter().copied()).collect();
    let effects: Vec<&str> = classes.into_iter().filter_map(effect).collect();
    let effects =
        if effects.is_empty() { "nothing outside the journey".to_owned() } else { effects.join("; ") };
    let changes = match holds(told, |facts| facts.changes_user.is_some()) {
        Some(false) => "",
        _ => "| Proof | a factor, an address of the user or a new user must come before |\n",
    };
    format!("| | |\n|---|---|\n| Page | {page} |\n| User | {user} |\n{changes}| Changes | {effects} |\n\n")
}

const fn effect(class: EffectClass) -> Option<&'static str> {
    match class {
        EffectClass::ReadOnly => None,
        EffectClass::Idempotent => Some("something that may be repeated without harm"),
        EffectClass::AtMostOnce => {
            Some("something that happens at most once, and is never repeated silently")
        }
    }
}

fn outcomes(told: &[Told<'_>]) -> String {
    let mut text = "## Outcomes\n\n".to_owned();
    if told.iter().all(|one| one.facts.call.is_some()) {
        return text + "Those of what it enters, which also says what they prove.\n\n";
    }
    if told.iter().all(|one| one.facts.end.is_some()) {
        return text + ending(told);
    }
    text.push_str("| Outcome | Wire | Proves |\n|---|---|---|\n");
    let mut known: BTreeMap<String, Vec<&Outcome>> = BTreeMap::new();
    for (one, outcome) in
        told.iter().flat_map(|one| one.facts.outcomes.iter().map(move |outcome| (one, outcome)))
    {
        let setting = naming(&one.example.settings, &outcome.name);
        let name = setting.map_or_else(|| format!("`{}`", outcome.name), |setting| said_by(&setting));
        known.entry(name).or_default().push(outcome);
    }
    for (name, found) in known {
        let wire = match () {
            () if found.iter().any(|one| one.needs_wire) => "needed",
            () => "has a safe default",
        };
        let _infallible = writeln!(text, "| {name} | {wire} | {} |", proofs_of(&found));
    }
    text + "\n"
}

fn said_by(setting: &str) -> String {
    if setting.contains("[]") { format!("each `{setting}`") } else { format!("what `{setting}` says") }
}

/// The setting that names this, as the table of settings writes it; nothing where the kind itself does.
fn naming(settings: &Value, name: &str) -> Option<String> {
    let below = |prefix: String, value| match naming(value, name)? {
        rest if rest.is_empty() || rest.starts_with('[') => Some(prefix + &rest),
        rest => Some(format!("{prefix}.{rest}")),
    };
    match settings {
        Value::String(text) => (text == name).then(String::new),
        Value::Array(items) => items.iter().find_map(|item| below("[]".to_owned(), item)),
        Value::Object(members) => members.iter().find_map(|(member, value)| below(member.clone(), value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn ending(told: &[Told<'_>]) -> &'static str {
    match told.first().and_then(|one| one.facts.end.as_ref()) {
        Some(End::Exit { .. }) => "None: it leaves the library flow or node by an outcome of that.\n\n",
        _ => "None: the journey ends here.\n\n",
    }
}

/// What an outcome proves, given how it stands in several examples.
fn proofs_of(found: &[&Outcome]) -> String {
    let words = |outcome: &&Outcome| outcome.proofs.iter().filter_map(|proof| word(proof, false)).collect();
    let sets: Vec<BTreeSet<String>> = found.iter().map(words).collect();
    let all: BTreeSet<&String> = sets.iter().flatten().collect();
    let proven = all.into_iter().map(|word| {
        let always = sets.iter().all(|set| set.contains(word));
        if always { word.clone() } else { format!("{word} (with some settings)") }
    });
    let proven: Vec<String> = proven.collect();
    if proven.is_empty() { "nothing".to_owned() } else { proven.join(", ") }
}

/// A proof in a reader's words, with the place where that is wanted.
fn word(proof: &ProofFact, with_place: bool) -> Option<String> {
    Some(match proof {
        ProofFact::Identified => "who the user is".to_owned(),
        ProofFact::Created => "that the user is new".to_owned(),
        ProofFact::Factor(method) => format!("the factor `{method}` of the user"),
        ProofFact::Address(place) if with_place => format!("that the visitor reads the address in `{place}`"),
        ProofFact::Address(_) => "that the visitor reads the address".to_owned(),
        ProofFact::Named { place, .. } if with_place => format!("that `{place}` names the user"),
        ProofFact::Named { .. } | ProofFact::OwnAddress(_) => return None,
    })
}

const fn type_name(value: Option<ValueType>) -> &'static str {
    match value {
        Some(ValueType::String | ValueType::Email | ValueType::Phone | ValueType::Date) => "text",
        Some(ValueType::Boolean) => "true or false",
        Some(ValueType::Integer) => "whole number",
        Some(ValueType::Number) => "number",
        Some(ValueType::List) => "list",
        Some(ValueType::Object) => "object",
        None => "any value",
    }
}

fn outputs(told: &[Told<'_>]) -> String {
    let mut known: BTreeMap<&str, &Output> = BTreeMap::new();
    for output in told.iter().flat_map(|one| &one.facts.outputs) {
        known.entry(&output.name).or_insert(output);
    }
    let mut text = "## Outputs\n\n".to_owned();
    if known.is_empty() {
        text.push_str(if told.iter().all(|one| one.facts.call.is_some()) {
            "Those of what it enters, as `steps.<id>.<output>`.\n\n"
        } else {
            "None as `steps.<id>`.\n\n"
        });
        return text;
    }
    text.push_str("| Read as | Type | Written |\n|---|---|---|\n");
    for (name, output) in known {
        let when = if output.only_after.is_empty() {
            "whenever the step finished".to_owned()
        } else {
            format!("after {}", quoted(&output.only_after))
        };
        let _infallible =
            writeln!(text, "| `steps.<id>.{name}` | {} | {when} |", type_name(output.value_type));
    }
    text + "\n"
}

fn quoted<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

fn shown_examples(kind: &Kind, told: &[Told<'_>]) -> String {
    let mut text =
        "## Examples\n\nEach is executed by the tests, with every wrong answer as well.\n\n".to_owned();
    for Told { example, facts } in told {
        let node = serde_saphyr::to_string(&json!({ kind.name: example.settings })).unwrap();
        let node = node.trim_end().replace('\n', "\n  ");
        let _infallible =
            write!(text, "```yaml\n- id: step\n  {node}\n```\n\n{}\n\n", course(example, facts));
    }
    text
}

/// What happens in an example when everything is right.
fn course(example: &Example, facts: &Facts) -> String {
    let mut sentences = Vec::new();
    if let Some(Value::Object(fields)) = &example.posts {
        let names: Vec<&String> = fields.keys().collect();
        sentences.push(match names.as_slice() {
            [] => format!("Waits for the button `{}`.", example.action),
            names => format!("Asks for {}.", quoted(names)),
        });
    }
    sentences.push(end(example, facts));
    let outcome = facts.outcomes.iter().find(|outcome| outcome.name == example.leaves_by);
    let proven: Vec<String> = outcome
        .into_iter()
        .flat_map(|outcome| &outcome.proofs)
        .filter_map(|proof| word(proof, true))
        .collect();
    if !proven.is_empty() {
        sentences.push(format!("Proves {}.", proven.join(", ")));
    }
    let form = facts.form.iter().map(|output| format!("form.{}", output.name));
    let written: Vec<String> =
        form.chain(facts.vars.iter().map(|output| format!("vars.{}", output.name))).collect();
    if !written.is_empty() && example.leaves_by == "next" {
        sentences.push(format!("Writes {}.", quoted(&written)));
    }
    sentences.join(" ")
}

fn end(example: &Example, facts: &Facts) -> String {
    let names =
        |named: &[(String, String)]| quoted(&named.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
    match (&facts.end, &facts.call, example.leaves_by) {
        (Some(End::Exit { outcome, outputs }), ..) if outputs.is_empty() => format!("Leaves by `{outcome}`."),
        (Some(End::Exit { outcome, outputs }), ..) => {
            format!("Leaves by `{outcome}` and hands {} out.", names(outputs))
        }
        (Some(_), ..) => "Ends the journey.".to_owned(),
        (None, Some(call), _) if call.arguments.is_empty() => "Enters it.".to_owned(),
        (None, Some(call), _) => format!("Enters it with {} as `input`.", names(&call.arguments)),
        (None, None, outcome) => format!("Goes on by `{outcome}`."),
    }
}

/// The product's texts that the examples show, in English.
fn texts(kind: &'static Kind, examples: &[Example]) -> String {
    let shown = shown_by(kind, examples);
    let mut keys = BTreeSet::<String>::new();
    keys.extend(shown.views.values().flat_map(of_view));
    keys.extend(shown.mails.values().flat_map(of_mail));
    if keys.is_empty() {
        return String::new();
    }
    let english = std::fs::read_to_string("../pages/texts/en.ftl").unwrap();
    let mut text = "## Texts\n\nWhat its pages and mails say by themselves.\n\n\
                    | Key | English |\n|---|---|\n"
        .to_owned();
    for key in keys {
        let line = english.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
        let line = line.filter(|line| !line.contains("->")).unwrap_or("(differs by number)");
        let _infallible = writeln!(text, "| `{key}` | {line} |");
    }
    text + "\n"
}

fn of_view(view: &View) -> impl Iterator<Item = String> + '_ {
    let fields = view.fields.iter().flat_map(|field| {
        let options = field.options.iter().map(|option| &option.label);
        std::iter::once(&field.label).chain(&field.hint).chain(&field.error).chain(options)
    });
    let messages = view.messages.iter().map(|message| &message.text);
    let actions = view.actions.iter().map(|action| &action.label);
    let all = std::iter::once(&view.title).chain(&view.lead).chain(messages).chain(fields).chain(actions);
    all.filter_map(key)
}

fn of_mail(mail: &Mail) -> impl Iterator<Item = String> + '_ {
    std::iter::once(&mail.subject).chain(&mail.body).filter_map(key)
}

fn key(text: &Text) -> Option<String> {
    match text {
        Text::Product { key, .. } => Some(key.clone()),
        Text::Pinned { .. } | Text::Authored { .. } => None,
    }
}

/// The page that lists all kinds.
fn index() -> String {
    let mut text = "# Node kinds\n\nA step of a flow has an `id`, exactly one of these, and `outcomes` that say which \
                    step follows. Beside the outcomes\non a kind's page, every step can end by `error`, and one that \
                    shows a page by `cancel`, `back` and `timeout`; these\nand `locked` have a safe default when they \
                    are not wired.\n"
        .to_owned();
    for (group, title) in GROUPS {
        let _infallible = write!(text, "\n## {title}\n\n| Kind | |\n|---|---|\n");
        for kind in crate::KINDS.iter().filter(|kind| kind.group == group) {
            let _infallible = writeln!(text, "| [`{0}`]({0}.md) | {1} |", kind.name, kind.summary);
        }
    }
    text
}

/// Every page by its file.
fn pages() -> BTreeMap<String, String> {
    let note = "<!-- Written by `IDFLOW_WRITE=1 cargo test -p idflow-nodes reference` from the kinds' files. -->\n\n";
    let kinds = crate::examples().into_iter();
    let pages =
        kinds.map(|(kind, source, examples)| (format!("{}.md", kind.name), page(kind, source, &examples)));
    let all = pages.chain([("README.md".to_owned(), index())]);
    all.map(|(file, text)| (file, format!("{note}{}\n", text.trim_end()))).collect()
}

fn written() -> BTreeMap<String, String> {
    let files = std::fs::read_dir(FOLDER).into_iter().flatten().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn the_reference_pages_are_what_the_kinds_say() {
    let pages = pages();
    if std::env::var_os("IDFLOW_WRITE").is_some() {
        std::fs::create_dir_all(FOLDER).unwrap();
        for outdated in written().keys().filter(|file| !pages.contains_key(*file)) {
            std::fs::remove_file(Path::new(FOLDER).join(outdated)).unwrap();
        }
        for (file, text) in &pages {
            std::fs::write(Path::new(FOLDER).join(file), text).unwrap();
        }
    }
    let (written, help) = (written(), "IDFLOW_WRITE=1 cargo test -p idflow-nodes reference");
    let files: (Vec<_>, Vec<_>) = (written.keys().collect(), pages.keys().collect());
    assert_eq!(files.0, files.1, "docs/nodes is stale: {help}");
    for (file, text) in &pages {
        assert!(written[file] == *text, "docs/nodes/{file} is stale: {help}");
    }
}

#[test]
fn every_kind_says_what_a_newcomer_asks() {
    for (kind, source, examples) in crate::examples() {
        let page = page(kind, source, &examples);
        for part in ["```yaml\n- id: ", "## Settings", "## Outcomes", "## Outputs", "## Examples"] {
            assert!(page.contains(part), "the page of {} has no {part:?}", kind.name);
        }
        for paper in ["checklist", "design"] {
            assert!(!page.contains(&format!("({paper} ")), "the page of {} speaks of our papers", kind.name);
        }
        let settings = examples.iter().flat_map(|example| example.settings.as_object().unwrap().keys());
        for setting in settings {
            assert!(page.contains(&format!("| `{setting}`")), "the page of {} has no {setting}", kind.name);
        }
    }
}

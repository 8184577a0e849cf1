//! Every page and mail of every example, rendered strictly in every language: a kind's texts cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use idflow_core::Value;
use idflow_core::effect::{Mail, Submission};
use idflow_core::journey::{Completion, Ending, Journey, Phase};
use idflow_core::view::View;
use idflow_engine::bind::Runnable;
use idflow_engine::run::Commit;
use idflow_flow::kinds::{Group, Kind};
use idflow_pages::{Locale, Pages, check};

use super::inputs::wrong_fields;
use super::person::{Person, Trial, begun, works};
use super::stage::runnable;
use super::world::World;
use crate::shared::kebab_case;

/// What an example shows and sends, each once, by a name for files.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) views: BTreeMap<String, View>,
    pub(super) mails: BTreeMap<String, Mail>,
}

impl Shown {
    fn add(&mut self, kind: &str, runnable: &Runnable, commit: Commit) {
        self.add_page(kind, runnable, &commit.journey);
        for mail in commit.committed() {
            self.mails.insert(format!("{kind}-mail-{}", self.mails.len()), mail);
        }
    }

    /// Takes in the page in every language that the flow has texts in.
    fn add_page(&mut self, kind: &str, runnable: &Runnable, journey: &Journey) {
        let Some(view) = last_view(journey).filter(|view| view.kind == kind) else { return };
        for language in &runnable.program().languages {
            let view = runnable.program().in_language(view, language);
            if !self.views.values().any(|known| *known == view) {
                self.views.insert(format!("{kind}-{}", self.views.len()), view);
            }
        }
    }
}

fn last_view(journey: &Journey) -> Option<&View> {
    match &journey.phase {
        Phase::ExpectSubmission(expected) => Some(&expected.view),
        Phase::Ended(
            Ending::Completed { outcome: Completion::Page(view), .. } | Ending::Failed { view, .. },
        ) => Some(view),
        Phase::Ended(_) => None,
    }
}

/// Everything that the examples of a kind show, in the right order of things, after every wrong post, and to who
/// presses the same button again and again.
pub(super) fn shown_by(kind: &'static Kind, examples: &[super::Example]) -> Shown {
    let mut shown = Shown::default();
    for example in examples {
        let runnable = runnable(kind, example);
        let mut world = World::new();
        shown.add(kind.name, &runnable, begun(Person::ADA, 0, &runnable, &world, &works).unwrap());
        let ada = Trial::of(Person::ADA, &runnable, &mut world);
        let Some(buttons) = waiting(&ada) else { continue };
        let right = ada.right(example, &world);
        let mistyped =
            right.fields.iter().map(|(name, value)| (name.clone(), with_other_digits(value))).collect();
        for button in &buttons {
            add_repeated(&mut shown, kind, example, button);
        }
        let mut posts: Vec<Submission> = wrong_fields(&right.fields, None)
            .into_iter()
            .chain([mistyped])
            .map(|fields| Submission { action: right.action.clone(), fields })
            .collect();
        posts.extend(
            buttons
                .into_iter()
                .chain(["nonsense".to_owned()])
                .map(|action| Submission { action, fields: idflow_core::Data::new() }),
        );
        posts.push(right);
        for post in posts {
            shown.add(kind.name, &runnable, ada.tried(&ada.token(), post, &world, &works).unwrap());
        }
    }
    shown
}

/// The value as somebody mistypes it who knows what it looks like.
fn with_other_digits(value: &Value) -> Value {
    let other = |letter: char| letter.to_digit(10).and_then(|digit| char::from_digit((digit + 1) % 10, 10));
    let mistyped =
        |text: &str| text.chars().map(|letter| other(letter).unwrap_or(letter)).collect::<String>();
    value.as_str().map_or_else(|| value.clone(), |text| Value::from(mistyped(text)))
}

/// Every step that counts something counts to less than this.
const TOO_OFTEN: usize = 12;

fn add_repeated(shown: &mut Shown, kind: &'static Kind, example: &super::Example, button: &str) {
    let runnable = runnable(kind, example);
    let mut world = World::new();
    let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
    for _ in 0..TOO_OFTEN {
        if waiting(&ada).is_none() {
            return;
        }
        let post = Submission { action: button.to_owned(), fields: idflow_core::Data::new() };
        shown.add(kind.name, &runnable, ada.tried(&ada.token(), post.clone(), &world, &works).unwrap());
        ada.post(&post, &mut world).unwrap();
        // What is shown once the commit has found a counter full.
        shown.add_page(kind.name, &runnable, &ada.journey);
    }
}

fn waiting(trial: &Trial<'_>) -> Option<Vec<String>> {
    let Phase::ExpectSubmission(expected) = &trial.journey.phase else { return None };
    let is_tried = trial.place() == "tried";
    is_tried.then(|| expected.view.actions.iter().map(|action| action.name.clone()).collect())
}

fn languages(pages: &Pages) -> Vec<Locale> {
    pages.texts().locales().cloned().collect()
}

#[test]
fn every_page_and_mail_of_every_example_renders_in_every_language() {
    let pages = Pages::embedded().unwrap();
    let mut problems = BTreeSet::new();
    for (kind, _, examples) in crate::examples() {
        let shown = shown_by(kind, &examples);
        let waits = examples.iter().any(|example| example.posts.is_some());
        assert!(!waits || !shown.views.is_empty(), "{} shows nothing", kind.name);
        for locale in languages(&pages) {
            for (name, view) in &shown.views {
                problems.extend(check::view(&pages, &locale, name, view).problems);
            }
            for (name, mail) in &shown.mails {
                problems.extend(check::mail(&pages, &locale, name, mail).problems);
            }
        }
    }
    assert_eq!(problems, BTreeSet::new());
}

#[test]
fn every_way_to_prove_who_one_is_has_a_name_to_choose_it_by() {
    let pages = Pages::embedded().unwrap();
    for kind in crate::KINDS.iter().filter(|kind| kind.group == Group::Authentication) {
        let key = format!("method-{}", kebab_case(kind.name));
        assert!(pages.texts().has(&key), "there is no text {key}");
    }
}

/// Writes all pages into `idflow-pages` in the temporary folder, to look at them.
#[test]
#[ignore = "writes files for people and browsers to look at"]
fn write_pages() {
    let pages = Pages::embedded().unwrap();
    for locale in languages(&pages) {
        let folder = std::env::temp_dir().join("idflow-pages").join(locale.tag());
        std::fs::create_dir_all(&folder).unwrap();
        for (kind, _, examples) in crate::examples() {
            for (name, view) in shown_by(kind, &examples).views {
                let html = check::view(&pages, &locale, &name, &view).html;
                std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
            }
        }
    }
}

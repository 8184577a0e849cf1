//! The example flows with the real kinds: the way through them, and what nobody gets out of them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use idflow_core::chance::{Chance, SeededChance};
use idflow_core::effect::Submission;
use idflow_core::evidence::{Proof, authentication_methods};
use idflow_core::journey::Phase;
use idflow_core::view::{Field, FieldType};
use idflow_core::write::Write;
use idflow_core::{Data, Value};
use idflow_engine::bind::Runnable;
use idflow_engine::run::Commit;
use idflow_flow::Folder;
use proptest::prelude::*;

use super::person::{Person, Trial, works};
use super::world::World;

const FOLDER: &str = "../../examples/quickstart";

/// The folder as `idflow lint` reads it.
pub(super) fn folder() -> Folder {
    let paths = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let manifests = paths.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    let files = manifests.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
    let folder = Folder::read(files, crate::kinds());
    assert!(!folder.has_errors(), "{:?}", folder.findings);
    folder
}

pub(super) static FLOWS: LazyLock<BTreeMap<String, Runnable>> = LazyLock::new(|| {
    let bound = |program| Runnable::new(Arc::new(program)).unwrap();
    let runnable = |(_, compiled): (_, idflow_flow::Compiled)| {
        let program = compiled.revision?.program;
        Some((program.flow.clone(), bound(program)))
    };
    folder().flows.into_iter().filter_map(runnable).collect()
});

/// What somebody knows and enters.
#[derive(Debug, Clone)]
struct Knows {
    email: String,
    password: String,
    new_password: String,
    code: String,
}

impl Knows {
    fn of(person: Person) -> Self {
        Self {
            email: person.email.to_owned(),
            password: person.password.to_owned(),
            new_password: "a pair of new shoes".to_owned(),
            code: String::new(),
        }
    }

    /// The same, having read the mails to an address.
    fn reading(&self, world: &World, mailbox: &str) -> Self {
        let mail = world.mails.iter().rev().find(|mail| mail.to == mailbox && mail.code.is_some());
        Self { code: mail.and_then(|mail| mail.code.clone()).unwrap_or_default(), ..self.clone() }
    }

    fn entry(&self, field: &Field) -> Value {
        Value::from(match field.field_type {
            FieldType::Email | FieldType::Identifier => self.email.as_str(),
            FieldType::Password => self.password.as_str(),
            FieldType::NewPassword => self.new_password.as_str(),
            FieldType::Code => self.code.as_str(),
            _ => "Somebody",
        })
    }
}

/// Posts to the current page and commits; the commit's decision without its mails.
fn act(trial: &mut Trial<'_>, action: &str, knows: &Knows, world: &mut World) -> Option<Decided> {
    let Phase::ExpectSubmission(expected) = &trial.journey.phase else { return None };
    let entries = expected.view.fields.iter().map(|field| (field.name.clone(), knows.entry(field)));
    let submission = Submission { action: action.to_owned(), fields: entries.collect::<Data>() };
    let commit = trial.tried(&trial.token(), submission, world, &works).ok()?;
    let decided = Decided::of(&commit);
    let journey = commit.journey.clone();
    world.commit(commit).ok()?;
    trial.journey = journey;
    Some(decided)
}

struct Decided {
    opens: Option<idflow_engine::run::OpenSession>,
    writes: Vec<Write>,
}

impl Decided {
    fn of(commit: &Commit) -> Self {
        Self { opens: commit.opens.clone(), writes: commit.writes.clone() }
    }
}

/// Goes on with the main button to the end.
fn walk(trial: &mut Trial<'_>, knows: &Knows, world: &mut World) -> Option<Decided> {
    let mut last = None;
    for _ in 0..12 {
        let knows = knows.reading(world, &knows.email);
        match act(trial, "next", &knows, world) {
            Some(decided) => last = Some(decided),
            None => break,
        }
    }
    last
}

#[test]
fn somebody_signs_up_and_then_in() {
    let mut world = World::new();
    let carol = Knows { email: "carol@example.org".to_owned(), ..Knows::of(Person::ADA) };
    let mut sign_up = Trial::of(Person::ADA, &FLOWS["sign-up"], &mut world);
    let decided = walk(&mut sign_up, &carol, &mut world).unwrap();
    assert_eq!(sign_up.place(), "completed");
    let session = decided.opens.expect("a registration with a password signs in");
    assert_eq!(authentication_methods(&session.evidence), ["pwd"]);

    let carol = Knows { password: carol.new_password.clone(), ..carol };
    let mut sign_in = Trial::in_tab(Person::ADA, 1, &FLOWS["sign-in"], &mut world);
    let decided = walk(&mut sign_in, &carol, &mut world).unwrap();
    assert_eq!(sign_in.place(), "completed");
    let again = decided.opens.unwrap();
    assert_eq!(
        (again.user, authentication_methods(&again.evidence).join(" ").as_str()),
        (session.user, "otp pwd mfa")
    );
}

#[test]
fn somebody_who_forgot_the_password_sets_a_new_one_and_is_told_by_mail() {
    let mut world = World::new();
    let ada = Knows::of(Person::ADA);
    let mut reset = Trial::of(Person::ADA, &FLOWS["reset-password"], &mut world);
    walk(&mut reset, &ada, &mut world).unwrap();
    assert_eq!(reset.place(), "completed");
    let last = world.mails.last().unwrap();
    assert!(last.code.is_none() && last.to == Person::ADA.email, "she is told");

    let mut sign_in = Trial::in_tab(Person::ADA, 1, &FLOWS["sign-in"], &mut world);
    let ada = Knows { password: ada.new_password.clone(), ..ada };
    walk(&mut sign_in, &ada, &mut world).unwrap();
    assert_eq!(sign_in.place(), "completed");
}

#[test]
fn whether_an_account_exists_is_told_only_to_who_reads_the_address() {
    let mut pages = Vec::new();
    for email in [Person::ADA.email, "nobody@example.org"] {
        for flow in ["sign-up", "reset-password"] {
            let mut world = World::new();
            let mut trial = Trial::of(Person::BOB, &FLOWS[flow], &mut world);
            let knows =
                Knows { email: email.to_owned(), code: "000000".to_owned(), ..Knows::of(Person::BOB) };
            act(&mut trial, "next", &knows, &mut world).unwrap();
            act(&mut trial, "next", &knows, &mut world).unwrap();
            let shown = serde_json::to_string(trial.view()).unwrap();
            pages.push((flow, shown.replace(email, "<address>")));
        }
    }
    pages.sort();
    assert_eq!((&pages[0], &pages[2]), (&pages[1], &pages[3]));
}

/// Somebody who has a mailbox and guesses, but neither Ada's password nor her mails.
fn mallory(choice: u8, chance: &SeededChance, world: &World) -> Knows {
    let mut drawn = [0; 4];
    chance.fill(&mut drawn);
    let own = "mallory@example.org";
    let knows = Knows {
        email: if choice & 1 == 0 { Person::ADA.email } else { own }.to_owned(),
        password: if choice & 2 == 0 { "a guess" } else { "malice aforethought" }.to_owned(),
        new_password: "malice aforethought".to_owned(),
        code: format!("{:06}", u32::from_be_bytes(drawn) % 1_000_000),
    };
    if choice & 4 == 0 { knows.reading(world, own) } else { knows }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn j_6_nobody_gets_another_users_session_evidence_or_password(
        flow in 0_usize..3,
        seed in any::<u64>(),
        posts in proptest::collection::vec((any::<u8>(), 0_usize..8), 1..40),
    ) {
            let runnable = &FLOWS[["sign-in", "sign-up", "reset-password"][flow]];
        let ada = Person::ADA.user().id;
        let chance = SeededChance::new(seed);
        let mut world = World::new();
        let mut trial = Trial::of(Person::BOB, runnable, &mut world);
        for (choice, button) in posts {
            let Phase::ExpectSubmission(expected) = &trial.journey.phase else { break };
            let mut buttons: Vec<String> =
                expected.view.actions.iter().map(|action| action.name.clone()).collect();
            buttons.extend(["next", "next", "back"].map(str::to_owned));
            let action = buttons[button % buttons.len()].clone();
            let knows = mallory(choice, &chance, &world);
            let Some(decided) = act(&mut trial, &action, &knows, &mut world) else { continue };
            prop_assert!(decided.opens.is_none_or(|session| session.user != Some(ada)));
            for write in decided.writes {
                let is_hers = matches!(write, Write::SetPassword { user, .. } if user == ada);
                prop_assert!(!is_hers, "her password was changed");
            }
            for evidence in &trial.journey.evidence {
                let address = Proof::Address(format!("email:{}", Person::ADA.email));
                prop_assert!(evidence.user != Some(ada) && evidence.proof != address, "{:?}", evidence);
            }
        }
    }
}

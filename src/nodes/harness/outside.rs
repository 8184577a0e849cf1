//! An outside that fails, repeats itself or talks nonsense (checklist J-20), at every ask of every example.

use std::cell::{Cell, RefCell};

use idflow_core::Value;
use idflow_core::counter::CounterKey;
use idflow_core::effect::{Answer, Ask, Foreseen, PendingAsk};
use idflow_core::secret::PasswordHash;
use idflow_engine::bind::Runnable;
use idflow_engine::run::{Commit, Refusal};

use super::example::Example;
use super::person::{Outside, Person, Trial, begun, place, works};
use super::stage::runnable;
use super::world::World;

/// One request of an example, to be made with any outside: entering the step, or answering its page.
struct Request<'p> {
    name: String,
    example: &'p Example,
    runnable: &'p Runnable,
    world: World,
    page: Option<Trial<'p>>,
}

impl Request<'_> {
    fn make(&self, outside: Outside<'_>) -> Result<Commit, Refusal> {
        match &self.page {
            None => begun(Person::ADA, 0, self.runnable, &self.world, outside),
            Some(page) => {
                page.tried(&page.token(), page.right(self.example, &self.world), &self.world, outside)
            }
        }
    }

    /// The asks when everything works, the engine's own look at the user left out.
    fn asks(&self) -> Vec<(usize, Ask)> {
        let asks = RefCell::new(Vec::new());
        let watching = |number: usize, pending: &PendingAsk, world: &World| {
            asks.borrow_mut().push((number, pending.ask.clone()));
            works(number, pending, world)
        };
        self.make(&watching).unwrap();
        asks.into_inner()
    }

    fn is_engines_own(&self, number: usize) -> bool {
        number == 0 && self.page.as_ref().is_some_and(|page| page.journey.user.is_some())
    }
}

fn for_every_request(check: impl Fn(&Request<'_>)) {
    for (kind, _, examples) in crate::examples() {
        for example in &examples {
            let runnable = runnable(kind, example);
            let name = format!("{} {}", kind.name, example.settings);
            let (name, runnable) = (name.as_str(), &runnable);
            let entering = Request {
                name: format!("entering {name}"),
                example,
                runnable,
                world: World::new(),
                page: None,
            };
            check(&entering);
            if example.posts.is_some() {
                let mut world = World::new();
                let page = Some(Trial::of(Person::ADA, runnable, &mut world));
                check(&Request { name: format!("answering {name}"), example, runnable, world, page });
            }
        }
    }
}

#[test]
fn every_example_ends_where_it_says() {
    for_every_request(|request| {
        let waits = request.page.is_none() && request.example.posts.is_some();
        let wanted = if waits { "tried" } else { request.example.leaves_by };
        let decided = request.make(&works).unwrap();
        assert_eq!(
            place(request.runnable, &decided.journey),
            wanted,
            "{}: {:?}",
            request.name,
            decided.faults
        );
    });
}

#[test]
fn j_20_an_ask_that_is_not_answered_changes_nothing() {
    let asks = Cell::new(0);
    for_every_request(|request| {
        for (failing, ask) in request.asks() {
            asks.set(asks.get() + 1);
            let outside = |number: usize, pending: &PendingAsk, world: &World| {
                if number == failing { Answer::Unavailable } else { works(number, pending, world) }
            };
            let result = request.make(&outside);
            if matches!(ask, Ask::Http(_)) {
                let decided = result.unwrap();
                assert_eq!(place(request.runnable, &decided.journey), "error", "{} {ask:?}", request.name);
            } else {
                assert_eq!(result.unwrap_err(), Refusal::Unavailable, "{} {ask:?}", request.name);
            }
        }
    });
    assert!(asks.get() >= 10, "the harness saw {} asks", asks.get());
}

#[test]
fn j_20_nonsense_in_answer_to_an_ask_is_never_a_success() {
    for_every_request(|request| {
        for (failing, ask) in request.asks() {
            for nonsense in all_answers().into_iter().filter(|answer| !is_of_its_kind(&ask, answer)) {
                let outside = |number: usize, pending: &PendingAsk, world: &World| {
                    if number == failing { nonsense.clone() } else { works(number, pending, world) }
                };
                let name = format!("{} {ask:?} answered by {nonsense:?}", request.name);
                match request.make(&outside) {
                    Err(refusal) => {
                        assert!(request.is_engines_own(failing), "{name}");
                        assert_eq!(refusal, Refusal::Unavailable, "{name}");
                    }
                    Ok(decided) => {
                        assert_eq!(place(request.runnable, &decided.journey), "error", "{name}");
                        assert!(decided.writes.is_empty() && decided.opens.is_none(), "{name}");
                        assert!(decided.committed().is_empty(), "{name}");
                    }
                }
            }
        }
    });
}

#[test]
fn j_4_the_same_request_made_twice_asks_and_decides_the_same() {
    for_every_request(|request| {
        let ids = || {
            let ids = RefCell::new(Vec::new());
            let watching = |number: usize, pending: &PendingAsk, world: &World| {
                ids.borrow_mut().push(pending.id.clone());
                works(number, pending, world)
            };
            let decided = request.make(&watching).unwrap();
            (
                ids.into_inner(),
                decided.journey.clone(),
                decided.writes.clone(),
                decided.counters.clone(),
                decided.committed(),
            )
        };
        assert_eq!(ids(), ids(), "{}", request.name);
        let (mut ids, _, _, _, mails) = ids();
        ids.extend(mails.into_iter().map(|mail| mail.id));
        let count = ids.len();
        ids.sort_by_key(ToString::to_string);
        ids.dedup();
        assert_eq!(ids.len(), count, "{}: every effect has an id of its own", request.name);
    });
}

#[test]
fn what_a_post_counts_by_is_foreseen_with_whatever_it_asks_first() {
    let counters = Cell::new(0);
    for_every_request(|request| {
        let foreseen = RefCell::new(Vec::new());
        let watching = |number: usize, pending: &PendingAsk, world: &World| {
            let answer = works(number, pending, world);
            if number == 0 {
                foreseen.borrow_mut().clear();
            }
            let is_of_found = matches!(pending.ask, Ask::FindUser { .. });
            assert!(is_of_found || pending.foreseen.of_found.is_empty(), "{}: nobody is found", request.name);
            assert!(number == 0 || pending.foreseen.counters.is_empty(), "{}: it is read once", request.name);
            foreseen.borrow_mut().extend(read_along(&pending.foreseen, &answer));
            if let (Ask::ReadCounters { keys }, Some(_)) = (&pending.ask, &request.page) {
                let missing = keys.iter().find(|key| !foreseen.borrow().contains(*key));
                assert_eq!(missing, None, "{}", request.name);
                counters.set(counters.get() + keys.len());
            }
            answer
        };
        request.make(&watching).unwrap();
    });
    assert!(counters.get() >= 6, "the harness saw {} counters", counters.get());
}

fn read_along(foreseen: &Foreseen, first: &Answer) -> Vec<CounterKey> {
    let found = if let Answer::User(Some(user)) = first { Some(user.id) } else { None };
    let of_found = found.into_iter().flat_map(|id| foreseen.of_found.iter().map(move |what| (what, id)));
    let of_found = of_found.map(|(what, id)| CounterKey::of_user(what, id));
    foreseen.counters.iter().cloned().chain(of_found).collect()
}

fn all_answers() -> Vec<Answer> {
    vec![
        Answer::User(Some(Person::ADA.user())),
        Answer::User(None),
        Answer::StandingEnded,
        Answer::Counts(Vec::new()),
        Answer::Counts(vec![idflow_core::counter::Count::default(); 9]),
        Answer::Hashed(PasswordHash("hash".to_owned())),
        Answer::Device(Some("device".to_owned())),
        Answer::Verified { matches: true, rehashed: Some(PasswordHash("hash".to_owned())) },
        Answer::Http { status: 200, body: Value::Null },
        Answer::Gone,
    ]
}

/// Whether the answer, right or wrong, belongs to the question.
fn is_of_its_kind(ask: &Ask, answer: &Answer) -> bool {
    match ask {
        Ask::FindUser { .. } | Ask::FindHolder { .. } | Ask::ReadUser { .. } => {
            matches!(answer, Answer::User(_))
        }
        Ask::ReadIdentified { .. } => matches!(answer, Answer::User(_) | Answer::StandingEnded),
        // A number of counts that was not asked for is nonsense.
        Ask::ReadCounters { .. } => false,
        Ask::HashPassword { .. } => matches!(answer, Answer::Hashed(_) | Answer::Weak(_)),
        Ask::RecognizeDevice { .. } | Ask::RecognizeReader { .. } => matches!(answer, Answer::Device(_)),
        Ask::VerifyPassword { .. } => matches!(answer, Answer::Verified { .. }),
        Ask::Http(_) => matches!(answer, Answer::Http { .. }),
    }
}

//! Every order of events (checklist J-6), and random ones.

use idflow_core::effect::{Answer, PendingAsk};
use idflow_core::evidence::Proof;
use idflow_flow::facts::ProofFact::{Factor, Identified};
use proptest::prelude::*;
use serde_json::json;

use super::step::{Row, call, complete, counters, failure, flow, page, step};
use super::visitor::{Visitor, outside, post};
use crate::bind::Runnable;
use crate::run::{Commit, Refusal};

/// Name the account, show the password, accept the terms, show the code: only then a session.
fn sign_in() -> Runnable {
    let rows: [Row<'static>; 6] = [
        ("identify", page().asking(counters()).naming(1).proving([Identified]), &[("next", "password")]),
        (
            "password",
            page().asking(counters()).proving([Factor("pwd")]),
            &[("next", "terms"), ("locked", "identify")],
        ),
        ("terms", page().vars(json!({ "accepted": true })), &[("next", "code"), ("back", "password")]),
        (
            "code",
            page().asking(call("GET")).proving([Factor("otp")]),
            &[("next", "done"), ("error", "terms")],
        ),
        ("failed", step().ending(failure), &[]),
        ("done", step().ending(complete), &[]),
    ];
    flow("Login", &rows)
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Right,
    Wrong,
    Back,
    Cancel,
    RightUnavailable,
    RightMismatched,
    Repeat(usize),
}

fn play(visitor: &mut Visitor<'_>, tokens: &mut Vec<String>, step: Move) -> Result<Commit, Refusal> {
    let current = visitor.token();
    let mismatched = |pending: &PendingAsk| match outside(pending) {
        Answer::User(user) => Answer::User(user),
        _ => Answer::Verified { matches: true, rehashed: None },
    };
    let unavailable = |_: &PendingAsk| Answer::Unavailable;
    let result = match step {
        Move::Right => visitor.send(post(&current, "next", "right"), &outside),
        Move::Wrong => visitor.send(post(&current, "next", "wrong"), &outside),
        Move::Back => visitor.send(post(&current, "back", "right"), &outside),
        Move::Cancel => visitor.send(post(&current, "cancel", "right"), &outside),
        Move::RightUnavailable => visitor.send(post(&current, "next", "right"), &unavailable),
        Move::RightMismatched => visitor.send(post(&current, "next", "right"), &mismatched),
        Move::Repeat(nth) => {
            let token = tokens.get(nth % tokens.len().max(1)).cloned().unwrap_or_default();
            visitor.send(post(&token, "next", "right"), &outside)
        }
    };
    tokens.push(current);
    result
}

fn is_sound(visitor: &Visitor<'_>, commit: &Commit) {
    let shown = |factor: &str| {
        commit.journey.evidence.iter().any(|evidence| {
            evidence.proof == Proof::Factor(factor.to_owned()) && evidence.user == visitor.journey.user
        })
    };
    if commit.opens.is_some() || visitor.place() == "completed" {
        assert!(
            shown("pwd") && shown("otp"),
            "completed without both factors: {:?}",
            commit.journey.evidence
        );
    }
    let mut instances: Vec<u32> =
        commit.journey.evidence.iter().map(|evidence| evidence.instance.0).collect();
    instances.sort_unstable();
    assert!(instances.last().is_none_or(|last| *last <= commit.journey.instances));
}

#[test]
fn j_6_no_order_of_up_to_six_posts_completes_without_every_step() {
    let runnable = sign_in();
    let moves = [
        Move::Right,
        Move::Wrong,
        Move::Back,
        Move::RightUnavailable,
        Move::RightMismatched,
        Move::Repeat(0),
    ];
    let mut completed = 0;
    for number in 0..moves.len().pow(6) {
        let mut visitor = Visitor::of(&runnable);
        let mut tokens = Vec::new();
        let mut rest = number;
        for _ in 0..6 {
            let step = moves[rest % moves.len()];
            rest /= moves.len();
            if let Ok(commit) = play(&mut visitor, &mut tokens, step) {
                is_sound(&visitor, &commit);
            }
            if visitor.expected().is_none() {
                break;
            }
        }
        completed += u32::from(visitor.place() == "completed");
    }
    assert!(completed > 0, "some order completes, or the search proves nothing");
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => Just(Move::Right),
        2 => Just(Move::Wrong),
        2 => Just(Move::Back),
        1 => Just(Move::Cancel),
        1 => Just(Move::RightUnavailable),
        1 => Just(Move::RightMismatched),
        2 => (0_usize..40).prop_map(Move::Repeat),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn j_6_random_orders_never_panic_and_never_complete_without_every_factor(
        moves in proptest::collection::vec(any_move(), 1..40)
    ) {
        let runnable = sign_in();
        let mut visitor = Visitor::of(&runnable);
        let mut tokens = Vec::new();
        for step in moves {
            let before = visitor.journey.clone();
            if let Ok(commit) = play(&mut visitor, &mut tokens, step) {
                is_sound(&visitor, &commit);
            } else {
                prop_assert_eq!(&visitor.journey, &before);
            }
        }
    }
}

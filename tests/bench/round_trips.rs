//! What a sign-in would cost on a database across a network: how often the server asks its store meanwhile.

use std::io::{Error, Result};

use idflow_test_support::browser::Arrival;

use crate::load::filled;
use crate::server::{Server, USERS};

/// A purge in between weighs little among so many.
const SIGN_INS: usize = 20;

/// Round trips, on average.
pub(crate) struct RoundTrips {
    /// Of a post with name and password.
    pub(crate) post: f64,
    /// Of everything from the authorization request to the tokens.
    pub(crate) sign_in: f64,
}

/// Signs in, one browser after the other, while nobody else does.
pub(crate) fn of_sign_ins(server: &Server) -> RoundTrips {
    let mut sums = [0; 2];
    for number in 0..SIGN_INS {
        let costs = of_sign_in(server, number % USERS).expect("a sign-in");
        sums.iter_mut().zip(costs).for_each(|(sum, cost)| *sum += cost);
    }
    let average = |sum: u64| {
        let [sum, sign_ins] = [sum, SIGN_INS as u64].map(|n| u32::try_from(n).map_or(f64::NAN, f64::from));
        sum / sign_ins
    };
    RoundTrips { post: average(sums[0]), sign_in: average(sums[1]) }
}

/// What the post and the whole sign-in of a fresh browser cost.
fn of_sign_in(server: &Server, user: usize) -> Result<[u64; 2]> {
    let begun = server.round_trips();
    let mut browser = server.client.browser();
    let page = server.client.begin(&mut browser, "bench")?.page();
    let form = filled(&page, user);
    let before = server.round_trips();
    let answer = browser.post(&page, &form)?;
    let post = server.round_trips() - before;
    let Arrival::Left(callback) = browser.follow(answer)? else { return Err(Error::other("no code")) };
    let answer = server.client.redeem(&mut browser, &callback)?;
    assert_eq!(answer.status, 200, "no tokens: {}", answer.text());
    Ok([post, server.round_trips() - begun])
}

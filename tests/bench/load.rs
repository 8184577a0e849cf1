//! Sign-ins as fast as they go, or at a steady pace, with the time of every step.

use std::io::{Error, Result};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use idflow_test_support::browser::{Arrival, Page};
use idflow_test_support::form::Form;
use idflow_test_support::wait;

use crate::server::{PASSWORD, Server, USERS};

/// The times of each step of a sign-in.
#[derive(Default)]
pub(crate) struct Steps {
    authorize: Vec<Duration>,
    form: Vec<Duration>,
    tokens: Vec<Duration>,
}

impl Steps {
    pub(crate) fn rows(&self) -> [(&'static str, &[Duration]); 3] {
        [
            ("authorize, to the page", &self.authorize),
            ("form, to the code (page, post, continue)", &self.form),
            ("code to tokens", &self.tokens),
        ]
    }

    /// p50, p95 and p99 in milliseconds.
    pub(crate) fn percentiles(times: &[Duration]) -> [f64; 3] {
        let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        sorted.sort_by(f64::total_cmp);
        [50, 95, 99].map(|percent| sorted.get(sorted.len() * percent / 100).copied().unwrap_or(f64::NAN))
    }

    fn append(&mut self, mut other: Self) {
        self.authorize.append(&mut other.authorize);
        self.form.append(&mut other.form);
        self.tokens.append(&mut other.tokens);
    }
}

/// What a run came to.
pub(crate) struct Load {
    pub(crate) done: usize,
    pub(crate) failed: usize,
    pub(crate) steps: Steps,
    wall: Duration,
    cpu_seconds: f64,
}

impl Load {
    fn count(&self) -> f64 {
        u32::try_from(self.done).map_or(f64::NAN, f64::from)
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.count() / self.wall.as_secs_f64()
    }

    pub(crate) fn per_cpu_second(&self) -> f64 {
        self.count() / self.cpu_seconds
    }

    pub(crate) fn cpu_per_sign_in(&self) -> f64 {
        self.cpu_seconds / self.count()
    }
}

/// Signs in from `clients` threads for `length`; with a `pace` only that many per second, else as fast as it goes.
pub(crate) fn run(server: &Server, clients: usize, length: Duration, pace: Option<f64>) -> Load {
    let begun = AtomicUsize::new(0);
    let failed = AtomicUsize::new(0);
    let all = Mutex::new(Steps::default());
    let start = Instant::now();
    let cpu = server.process().cpu_seconds();
    let client = || {
        let mut steps = Steps::default();
        while start.elapsed() < length {
            let number = begun.fetch_add(1, Ordering::Relaxed);
            if let Some(pace) = pace {
                let due = Duration::from_secs_f64(u32::try_from(number).map_or(0.0, f64::from) / pace);
                std::thread::sleep(due.saturating_sub(start.elapsed()));
            }
            if let Err(error) = sign_in(server, number % USERS, Some(&mut steps)) {
                eprintln!("failed: {error}");
                failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        all.lock().expect("steps").append(steps);
    };
    std::thread::scope(|scope| (0..clients).for_each(|_| drop(scope.spawn(client))));
    let (wall, cpu_seconds) = (start.elapsed(), server.process().cpu_seconds() - cpu);
    let steps = all.into_inner().expect("steps");
    Load { done: steps.tokens.len(), failed: failed.into_inner(), steps, wall, cpu_seconds }
}

/// How many of `number` sign-ins fail that all begin at the same moment.
pub(crate) fn at_once(server: &Server, number: usize) -> usize {
    let attempt = |user: usize| move || sign_in(server, user % USERS, None);
    std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..number).map(|user| scope.spawn(attempt(user))).collect();
        attempts
            .into_iter()
            .filter_map(|one| one.join().expect("a client").err())
            .inspect(|e| eprintln!("{e}"))
            .count()
    })
}

/// The form of the only page, as this user fills it.
pub(crate) fn filled(page: &Page, user: usize) -> Form {
    let form = page.form_with("username").fill("username", &format!("user{user}")).fill("password", PASSWORD);
    if form.has_button("next") { form.press("next") } else { form }
}

/// One whole sign-in of a fresh browser.
pub(crate) fn sign_in(server: &Server, user: usize, steps: Option<&mut Steps>) -> Result<()> {
    let mut browser = server.client.browser();
    let (authorize, arrival) = wait::timed(|| server.client.begin(&mut browser, "bench"));
    let Arrival::Page(page) = arrival? else { return Err(Error::other("no page")) };
    let form = filled(&page, user);
    let (post, arrival) = wait::timed(|| browser.submit(&page, &form));
    let callback = match arrival? {
        Arrival::Left(callback) => callback,
        Arrival::Page(page) => return Err(Error::other(format!("{}: {}", page.status(), page.text()))),
    };
    let (redeem, answer) = wait::timed(|| server.client.redeem(&mut browser, &callback));
    let answer = answer?;
    if answer.status != 200 {
        return Err(Error::other(format!("no tokens: {} {}", answer.status, answer.text())));
    }
    if let Some(steps) = steps {
        steps.authorize.push(authorize);
        steps.form.push(post);
        steps.tokens.push(redeem);
    }
    Ok(())
}

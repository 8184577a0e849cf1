//! What is to be looked at, and when: each thing at most once at a time, again after a failure with growing delay.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use idflow_api::ResourceKind;
use idflow_core::chance::Chance;
use idflow_core::time::{Clock, Span, Timestamp};
use tokio::sync::Notify;

use crate::cache::Key;

const FIRST_DELAY: Span = Span(500);
const LONGEST_DELAY: Span = Span::minutes(5);

/// One thing to look at: an object by kind and key, or a whole namespace (no kind, no name).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Job {
    pub(crate) kind: Option<ResourceKind>,
    pub(crate) key: Key,
}

impl Job {
    /// An object.
    pub(crate) fn object(kind: ResourceKind, key: Key) -> Self {
        Self { kind: Some(kind), key }
    }

    /// Everything in a namespace.
    pub(crate) fn namespace(namespace: impl Into<String>) -> Self {
        Self { kind: None, key: Key::new(namespace, "") }
    }
}

/// How a look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait for a change.
    Change,
    /// Look again after this long, even without a change.
    After(Span),
    /// It failed; look again, each time later, and not before this has passed.
    Retry(Option<Span>),
}

#[derive(Default)]
struct State {
    due: BTreeSet<(Timestamp, Job)>,
    when: BTreeMap<Job, Timestamp>,
    running: BTreeSet<Job>,
    /// Changed while it was being looked at.
    again: BTreeSet<Job>,
    failing: BTreeMap<Job, Failing>,
}

/// Of a job whose last look failed.
#[derive(Debug, Clone, Copy, Default)]
struct Failing {
    /// Failures in a row since the job changed.
    times: u32,
    /// The server asked not to be bothered before.
    not_before: Timestamp,
}

/// The queue of one controller.
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
}

impl Queue {
    pub(crate) fn new(clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), clock, chance }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a look now: something has changed, and with it what is known of earlier failures.
    pub(crate) fn add(&self, job: Job) {
        self.state().change(job, self.clock.now());
        self.changed.notify_one();
    }

    /// The next thing that is due; waits for one.
    pub(crate) async fn next(&self) -> Job {
        loop {
            let wait = match self.state().take(self.clock.now()) {
                Ok(job) => return job,
                Err(wait) => wait,
            };
            let changed = self.changed.notified();
            match wait {
                Some(wait) => drop(tokio::time::timeout(wait.to_std(), changed).await),
                None => changed.await,
            }
        }
    }

    /// The next thing that is due now.
    #[cfg(test)]
    pub(crate) fn due(&self) -> Option<Job> {
        self.state().take(self.clock.now()).ok()
    }

    /// Says how the look at `job` ended.
    pub(crate) fn done(&self, job: Job, next: Next) {
        let now = self.clock.now();
        let mut state = self.state();
        state.running.remove(&job);
        let changed_meanwhile = state.again.remove(&job);
        match next {
            Next::Retry(at_least) => {
                let times = if changed_meanwhile { 1 } else { state.failures(&job) + 1 };
                let not_before = now.plus(at_least.unwrap_or_default());
                state.failing.insert(job.clone(), Failing { times, not_before });
                state.schedule(job, now.plus(self.delay(times)));
            }
            Next::Change | Next::After(_) => {
                state.failing.remove(&job);
                if changed_meanwhile {
                    state.schedule(job, now);
                } else if let Next::After(span) = next {
                    state.schedule(job, now.plus(span));
                }
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    /// How many things wait to be looked at.
    pub(crate) fn depth(&self) -> usize {
        self.state().due.len()
    }

    /// Half a second, doubled with every failure up to five minutes, give or take a fifth.
    fn delay(&self, failures: u32) -> Span {
        let doubled = FIRST_DELAY.0.saturating_mul(1 << (failures - 1).min(16));
        let full = doubled.min(LONGEST_DELAY.0);
        let mut byte = [0];
        self.chance.fill(&mut byte);
        Span((full * (800 + i64::from(byte[0]) * 400 / 255) / 1000).min(LONGEST_DELAY.0))
    }
}

impl State {
    fn failures(&self, job: &Job) -> u32 {
        self.failing.get(job).map_or(0, |failing| failing.times)
    }

    /// A job that is being looked at is looked at again afterwards; how often another one failed counts no more.
    fn change(&mut self, job: Job, now: Timestamp) {
        if self.running.contains(&job) {
            self.again.insert(job);
            return;
        }
        if let Some(failing) = self.failing.get_mut(&job) {
            failing.times = 0;
        }
        self.schedule(job, now);
    }

    /// A job keeps the earlier of two dates, and none is before the server wants to be asked again.
    fn schedule(&mut self, job: Job, at: Timestamp) {
        let at = self.failing.get(&job).map_or(at, |failing| at.max(failing.not_before));
        if let Some(known) = self.when.get(&job) {
            if *known <= at {
                return;
            }
            self.due.remove(&(*known, job.clone()));
        }
        self.when.insert(job.clone(), at);
        self.due.insert((at, job));
    }

    /// The first job that is due, or how long to wait for it.
    fn take(&mut self, now: Timestamp) -> Result<Job, Option<Span>> {
        let Some((at, job)) = self.due.first().cloned() else { return Err(None) };
        if at > now {
            return Err(Some(at.since(now)));
        }
        self.due.remove(&(at, job.clone()));
        self.when.remove(&job);
        self.running.insert(job.clone());
        Ok(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idflow_core::chance::SeededChance;
    use idflow_core::time::ManualClock;

    fn queue() -> (Arc<ManualClock>, Queue) {
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        (Arc::clone(&clock), Queue::new(clock, Arc::new(SeededChance::new(1))))
    }

    fn job(name: &str) -> Job {
        Job::object(ResourceKind::Flow, Key::new("acme", name))
    }

    #[tokio::test]
    async fn a_job_is_looked_at_once_at_a_time_and_again_if_it_changed_meanwhile() {
        let (clock, queue) = queue();
        queue.add(job("a"));
        queue.add(job("a"));
        assert_eq!(queue.next().await, job("a"));
        queue.add(job("a"));
        assert_eq!(queue.depth(), 0);
        queue.done(job("a"), Next::Change);
        assert_eq!(queue.depth(), 1);
        assert_eq!(queue.next().await, job("a"));
        queue.done(job("a"), Next::Change);
        clock.advance(Span::hours(1));
        assert_eq!(queue.depth(), 0);
    }

    #[tokio::test]
    async fn failures_wait_longer_and_longer_and_never_over_five_minutes() {
        let (clock, queue) = queue();
        queue.add(job("a"));
        let mut delays = Vec::new();
        for _ in 0..14 {
            let before = clock.now();
            while queue.state().take(clock.now()).is_err() {
                clock.advance(Span(100));
            }
            delays.push(clock.now().since(before));
            queue.done(job("a"), Next::Retry(None));
        }
        let [_, delays @ ..] = delays.as_slice() else { panic!("no delays") };
        assert!(delays[0] <= Span(700) && delays[1] >= Span(800) && delays[2] >= Span(1600), "{delays:?}");
        assert!(delays.iter().all(|delay| *delay <= LONGEST_DELAY.plus_one()), "{delays:?}");
        assert!(delays[12] >= Span::minutes(4), "{delays:?}");
    }

    #[tokio::test]
    async fn a_change_does_not_wait_for_the_delay() {
        let (_, queue) = queue();
        queue.add(job("a"));
        queue.next().await;
        queue.done(job("a"), Next::After(Span::hours(1)));
        queue.add(job("a"));
        assert_eq!(queue.next().await, job("a"));
    }

    /// How long a job waits after the latest of many failures in a row.
    async fn wait_after_failures(clock: &ManualClock, queue: &Queue, meanwhile: impl Fn(&Queue)) -> Span {
        queue.add(job("a"));
        for _ in 0..12 {
            clock.advance(LONGEST_DELAY);
            queue.next().await;
            queue.done(job("a"), Next::Retry(None));
        }
        clock.advance(LONGEST_DELAY);
        queue.next().await;
        meanwhile(queue);
        queue.done(job("a"), Next::Retry(None));
        queue.state().take(clock.now()).expect_err("it waits").expect("a job")
    }

    #[tokio::test]
    async fn a_change_that_comes_while_a_look_fails_starts_the_back_off_anew() {
        let (clock, unchanged) = queue();
        assert!(wait_after_failures(&clock, &unchanged, |_| {}).await > Span::minutes(3));
        let (clock, changed) = queue();
        assert!(wait_after_failures(&clock, &changed, |queue| queue.add(job("a"))).await < Span::seconds(1));
    }

    #[tokio::test]
    async fn a_change_that_comes_between_two_looks_starts_the_back_off_anew() {
        let (clock, queue) = queue();
        wait_after_failures(&clock, &queue, |_| {}).await;
        queue.add(job("a"));
        assert_eq!(queue.next().await, job("a"));
        queue.done(job("a"), Next::Retry(None));
        assert!(queue.state().take(clock.now()).expect_err("it waits").expect("a job") < Span::seconds(1));
    }

    #[tokio::test]
    async fn what_the_server_asks_for_is_waited_even_upon_a_change() {
        let (clock, queue) = queue();
        queue.add(job("a"));
        queue.next().await;
        queue.done(job("a"), Next::Retry(Some(Span::seconds(30))));
        queue.add(job("a"));
        assert_eq!(queue.state().take(clock.now()), Err(Some(Span::seconds(30))));
        clock.advance(Span::seconds(30));
        assert_eq!(queue.next().await, job("a"));
    }

    #[tokio::test]
    async fn one_failing_job_holds_up_no_other() {
        let (_, queue) = queue();
        queue.add(job("bad"));
        queue.next().await;
        queue.done(job("bad"), Next::Retry(None));
        queue.add(job("good"));
        assert_eq!(queue.next().await, job("good"));
    }

    trait PlusOne {
        fn plus_one(self) -> Self;
    }

    impl PlusOne for Span {
        /// The clock of the test moves in steps of 100 ms.
        fn plus_one(self) -> Self {
            Span(self.0 + 100)
        }
    }
}

//! Waiting for something that another process does, with a deadline and a message.

use std::fmt::Display;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Calls `probe` until it gives a value, at most `limit` long; the last refusal is part of the panic message.
pub fn until<T, E: Display>(limit: Duration, what: &str, mut probe: impl FnMut() -> Result<T, E>) -> T {
    let end = Instant::now() + limit;
    loop {
        match probe() {
            Ok(value) => return value,
            Err(why) if Instant::now() >= end => panic!("not within {limit:?}: {what}: {why}"),
            Err(_) => sleep(Duration::from_millis(50)),
        }
    }
}

/// The time `action` took, with its value.
pub fn timed<T>(action: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let value = action();
    (began.elapsed(), value)
}

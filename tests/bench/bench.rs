//! `make bench`: what a sign-in costs and how fast it is, on this machine, with nothing but idflow itself.
//! Work is counted per CPU second of the server process, so that the figure holds on a noisy machine.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a failed measurement ends the program with its reason, and time is what it measures"
)]

mod lint;
mod load;
mod round_trips;
mod server;

use std::time::Duration;

use load::{Load, Steps};
use round_trips::RoundTrips;
use server::Server;

/// What was measured with one password hash.
struct Figures {
    algorithm: String,
    start_to_first: Duration,
    idle_megabytes: f64,
    saturated: Load,
    half: Load,
    parallel_failures: usize,
    after_megabytes: f64,
    round_trips: RoundTrips,
}

fn main() {
    // `cargo test --all-targets` runs benches too, with this argument; measuring is not testing.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!(
        "== sign-in over OpenID Connect: authorize, form, code, tokens; ES256; redb, every step durable"
    );
    let cheap = measure(true);
    print(&cheap);
    let real = measure(false);
    print(&real);
    let share = 100.0 * (1.0 - cheap.saturated.cpu_per_sign_in() / real.saturated.cpu_per_sign_in());
    println!("\nshare of the hash in a default sign-in     {share:8.1} %      (aim >= 90)");
    println!("\n== a flow of 100 steps");
    lint::measure();
}

fn measure(cheapest: bool) -> Figures {
    let (start_to_first, server) = Server::start(cheapest);
    std::thread::sleep(Duration::from_secs(2));
    let idle_megabytes = server.process().resident_megabytes();
    load::run(&server, 2, Duration::from_secs(2), None);
    let saturated = load::run(&server, 4, Duration::from_secs(10), None);
    let half = load::run(&server, 4, Duration::from_secs(10), Some(saturated.per_second() / 2.0));
    let parallel_failures = load::at_once(&server, 64);
    let round_trips = round_trips::of_sign_ins(&server);
    Figures {
        algorithm: server.algorithm(),
        start_to_first,
        idle_megabytes,
        parallel_failures,
        after_megabytes: server.process().resident_megabytes(),
        saturated,
        half,
        round_trips,
    }
}

fn print(figures: &Figures) {
    let Figures {
        algorithm,
        start_to_first,
        idle_megabytes,
        saturated,
        half,
        parallel_failures,
        after_megabytes,
        round_trips,
    } = figures;
    let ratio = half.cpu_per_sign_in() / saturated.cpu_per_sign_in();
    println!("\npassword hash: {algorithm}");
    println!(
        "  sign-ins per CPU second of the server      {:8.0}        (aim >= 500, cheapest hash)",
        saturated.per_cpu_second()
    );
    println!(
        "  sign-ins per second at saturation          {:8.0}        {} failed",
        saturated.per_second(),
        saturated.failed
    );
    println!("  CPU per sign-in, half load / saturation    {ratio:8.2}        (aim <= 1.3)");
    println!(
        "  start to first sign-in                     {:8.0} ms     (aim < 200)",
        start_to_first.as_secs_f64() * 1e3
    );
    println!(
        "  memory idle / after load                   {idle_megabytes:8.1} MB  {after_megabytes:.1} MB (aim < 30 idle)"
    );
    println!("  failed of 64 at once                       {parallel_failures:8}        (aim 0)");
    println!("  store round trips per post                 {:8.1}        (aim 3)", round_trips.post);
    println!("  store round trips per sign-in              {:8.1}", round_trips.sign_in);
    println!(
        "  step at half load ({:.0}/s)                     p50      p95      p99 ms  (aim p99 < 5)",
        half.per_second()
    );
    for (name, times) in half.steps.rows() {
        let [p50, p95, p99] = Steps::percentiles(times);
        println!("    {name:<38} {p50:8.2} {p95:8.2} {p99:8.2}");
    }
}

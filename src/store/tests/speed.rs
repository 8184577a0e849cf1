//! Figures, printed on demand: `cargo test -p idflow-store --release speed -- --ignored --nocapture`.

use std::time::Instant;

use tokio::task::JoinSet;

use super::*;

fn cpu_seconds() -> f64 {
    // Fields 14 and 15 of /proc/self/stat: user and system time in ticks of 10 ms.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: f64 = [fields[11], fields[12]].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

/// The writes of one sign-in: a journey begins, is answered, and ends with session and grant.
async fn sign_in(store: &Store, number: u32) {
    let id: [u8; 16] = Digest::of(number.to_be_bytes()).as_bytes()[..16].try_into().unwrap();
    let ada = user(1, "ada@example.com");
    let begun = Journey { id: JourneyId::from_bytes(id), ..journey(1) };
    done(store, store.blind().put_journey(begun.clone())).await;
    let reads = store.read(NOW, &[Wanted::journey(&begun.id)]).await.unwrap();
    let opened = Session { id: SessionId::from_bytes(id), ..session(1, Some(&ada)) };
    let code = Grant { id: GrantId::from_bytes(id), ..grant(1, &opened) };
    let ended = Journey { instances: 2, ..begun };
    let end = Commit::after(reads).put_journey(ended).put_session(opened);
    done(store, end.put_grant(code.clone())).await;
    let reads = store.after_grant(&code.id).await;
    done(store, Commit::after(reads).put_grant(exchanged(&code))).await;
}

#[test]
#[ignore = "prints figures, proves nothing"]
#[expect(clippy::disallowed_methods, reason = "measures real time")]
fn commits_per_second() {
    const SIGN_INS: u32 = 3000;
    for parallel in [1, 8, 64] {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        runtime.block_on(async {
            let path = folder.path().join("store");
            let store = Store::open_redb(path, keyring(), Arc::new(SeededChance::new(1))).await.unwrap();
            done(&store, store.blind().writes([create(user(1, "ada@example.com"))])).await;
            let (began, cpu) = (Instant::now(), cpu_seconds());
            let mut tasks = JoinSet::new();
            for task in 0..parallel {
                let store = store.clone();
                tasks.spawn(async move {
                    for number in (task..SIGN_INS).step_by(parallel as usize) {
                        sign_in(&store, number).await;
                    }
                });
            }
            tasks.join_all().await;
            let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
            let commits = f64::from(3 * SIGN_INS);
            println!(
                "{parallel:>3} in parallel: {:>6.0} durable commits/s, {:>4.0} µs CPU per commit, {:>6.0} sign-ins per CPU second",
                commits / seconds,
                cpu / commits * 1e6,
                f64::from(SIGN_INS) / cpu,
            );
        });
    }
}

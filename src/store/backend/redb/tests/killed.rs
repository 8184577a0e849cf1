//! SIGKILL at random moments of a busy process: what was acknowledged is there, and of each batch all or nothing.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use idflow_core::chance::{Chance as _, SeededChance};
use idflow_test_support::amount;

use super::{Redb, file, fresh, runtime};
use crate::backend::{Backend, Batch, Condition, Effect};

const WRITERS: u32 = 8;

fn key(half: u8, writer: u32, number: u32) -> Vec<u8> {
    [&[half][..], &writer.to_be_bytes(), &number.to_be_bytes()].concat()
}

/// Runs in a process of its own, until it is killed: reads the file's path, prints every acknowledged write.
#[test]
#[ignore = "the other half of the test below, which starts it"]
fn writes_until_killed() {
    let mut path = String::new();
    std::io::stdin().read_line(&mut path).unwrap();
    assert!(!path.is_empty(), "only the test below runs this");
    let store = std::sync::Arc::new(Redb::open(path.trim_end()).unwrap());
    let mut writers = tokio::task::JoinSet::new();
    let runtime = runtime();
    for writer in 0..WRITERS {
        let store = std::sync::Arc::clone(&store);
        let writing = async move {
            let done = store.range(&key(b'a', writer, 0)[..5], None, usize::MAX).await.unwrap().len();
            for number in u32::try_from(done).unwrap().. {
                let mut batch = Batch::at(idflow_core::time::Timestamp(0));
                for half in *b"ab" {
                    let bytes = vec![half; 700];
                    batch.push(
                        key(half, writer, number),
                        Condition::Absent,
                        Effect::Put { bytes, expires: None },
                    );
                }
                store.apply(batch).await.unwrap();
                println!("\nacknowledged {writer} {number}");
            }
        };
        writers.spawn_on(writing, runtime.handle());
    }
    runtime.block_on(writers.join_all());
}

/// Starts the writer, kills it after a while, and returns the last acknowledged number of each writer.
fn killed_after(path: &Path, delay: Duration) -> BTreeMap<u32, u32> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "backend::redb::tests::killed::writes_until_killed", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", path.display()).unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = BTreeMap::new();
    let mut line = String::new();
    let (mut running, mut killer) = (Some(child), None);
    // A line without its end was cut by the kill.
    while output.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
        let mut words = line.split_whitespace();
        if words.next() == Some("acknowledged") {
            let mut number = || words.next().unwrap().parse().unwrap();
            acknowledged.insert(number(), number());
            if let Some(mut child) = running.take() {
                killer = Some(std::thread::spawn(move || {
                    std::thread::sleep(delay);
                    child.kill().unwrap();
                    child.wait().unwrap()
                }));
            }
        }
        line.clear();
    }
    let status = killer.expect("the writer never wrote").join().unwrap();
    assert!(!status.success(), "it ended by itself");
    acknowledged
}

#[test]
fn killed_in_a_commit_nothing_acknowledged_is_lost_and_no_batch_is_halved() {
    let (store, folder) = fresh();
    drop(store);
    let (kills, seed): (u32, u64) = (amount::of(12, 200), amount::seed());
    println!("{kills} kills from seed {seed}");
    let chance = SeededChance::new(seed);
    let mut total = 0;
    for _ in 0..kills {
        let mut random = [0; 1];
        chance.fill(&mut random);
        let acknowledged = killed_after(&file(&folder), Duration::from_millis(u64::from(random[0]) / 3));
        let store = Redb::open(file(&folder)).unwrap();
        for writer in 0..WRITERS {
            let [a, b] = [b'a', b'b'].map(|half| {
                let prefix = &key(half, writer, 0)[..5];
                runtime().block_on(store.range(prefix, None, usize::MAX)).unwrap().len()
            });
            assert_eq!(a, b, "a batch happened by halves");
            let last = acknowledged.get(&writer).copied();
            assert!(last.is_none_or(|last| usize::try_from(last).unwrap() < a), "{last:?} was lost: {a}");
            total += usize::from(last.is_some());
        }
    }
    assert!(total > usize::try_from(kills).unwrap(), "too little was written to prove anything");
}

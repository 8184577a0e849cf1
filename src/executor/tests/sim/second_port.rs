//! What operators and scrapers hear, and when visitors are to stay away.

use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::visitor::Browser;
use crate::world::World;

/// How often a reason was counted.
async fn counted(world: &World, reason: &str) -> Option<u64> {
    let metrics = world.second("/metrics").await.body;
    let series = format!("idflow_clients_refused_total{{reason=\"{reason}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
}

#[tokio::test]
async fn o_25_refused_clients_are_counted_by_what_was_wrong() {
    let world = World::new(1).await;
    let rows = [
        ("UnexpectedSecret", "grant_type=refresh_token&refresh_token=x&client_id=app&client_secret=x"),
        ("UnregisteredClient", "grant_type=refresh_token&refresh_token=x&client_id=nobody&client_secret=x"),
        ("MissingCredentials", "grant_type=refresh_token&refresh_token=x"),
    ];
    for (reason, body) in rows {
        assert_eq!(counted(&world, reason).await, None, "{reason}");
        for times in 1..=2 {
            let answer = Browser::new().post(&world, "/oauth2/token", body).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
            assert_eq!(counted(&world, reason).await, Some(times), "{reason}");
        }
    }
    let right = "grant_type=refresh_token&refresh_token=x&client_id=app";
    Browser::new().post(&world, "/oauth2/token", right).await;
    let metrics = world.second("/metrics").await.body;
    let series = metrics.lines().filter(|line| line.starts_with("idflow_clients_refused_total"));
    assert_eq!(series.count(), rows.len(), "who is the client is not counted: {metrics}");
}

/// The status of an answer to a new connection, if somebody takes it.
async fn status(listener: std::net::SocketAddr, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(listener).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}

#[tokio::test]
async fn who_is_told_to_stop_is_not_ready_first_and_takes_visitors_until_that_was_noticed() {
    let world = World::new(1).await;
    let bound = async || TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (public, second) = (bound().await, bound().await);
    let (visitors, probes) = (public.local_addr().unwrap(), second.local_addr().unwrap());
    let stop = CancellationToken::new();
    let executor = world.executor().await;
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(executor.serve(public, Some(second), axum::Router::new(), stop.clone()));
    assert_eq!((status(probes, "/readyz").await, status(visitors, "/").await), (Some(200), Some(200)));
    stop.cancel();
    // Probes come every two seconds, and two of them count.
    for second in 0..4 {
        tokio::time::sleep(Duration::from_secs(u64::from(second > 0))).await;
        assert_eq!(status(probes, "/readyz").await, Some(503), "after {second} s");
        assert_eq!(status(visitors, "/").await, Some(200), "after {second} s: nobody has noticed yet");
    }
    tokio::time::timeout(Duration::from_secs(10), serving.join_next())
        .await
        .expect("it ends")
        .unwrap()
        .unwrap();
    assert_eq!((status(probes, "/readyz").await, status(visitors, "/").await), (None, None));
}

#[tokio::test]
async fn without_its_token_the_second_port_tells_nothing_but_that_it_lives() {
    let world = World::new(1).await;
    assert!(world.second("/metrics").await.body.contains("idflow_revisions"));
    for path in ["/metrics", "/revisions", "/users/duplicates"] {
        for token in [None, Some("Bearer wrong"), Some("Bearer ")] {
            let answer = world.second_as(path, token).await;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (StatusCode::UNAUTHORIZED, ""),
                "{path} {token:?}"
            );
        }
    }
    assert_eq!(world.second_as("/readyz", None).await.status, StatusCode::OK);
}

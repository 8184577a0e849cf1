//! Forged, foreign, stale, malformed and oversized input: a clear refusal, nothing lost, nobody else affected.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use idflow_test_support::browser::Browser;
use idflow_test_support::http::{Client, Request};
use url::Url;

use crate::Served;

fn status(served: &Served, path: &str) -> u16 {
    let url = Url::parse(&format!("{}{path}", served.dev.origin)).expect("a URL");
    Client::default().send(&Request::get(&url)).expect("an answer").status
}

#[test]
fn malformed_oauth_requests_are_refused_without_a_redirect() {
    let served = Served::start();
    let good = served.client().authorize_url("x").replace(&served.dev.origin, "");
    for (what, path) in [
        ("no parameters", "/oauth2/authorize".to_owned()),
        ("an unknown client", good.replace("client_id=app", "client_id=nobody")),
        ("another redirect URI", good.replace("callback", "callback2")),
        ("a repeated redirect URI", format!("{good}&redirect_uri=https%3A%2F%2Fattacker.example%2F")),
        ("a repeated client", format!("{good}&client_id=app")),
    ] {
        assert_eq!(status(&served, &path), 400, "{what}");
    }
    for (what, path) in [
        ("no PKCE", good.replace("code_challenge=", "unknown=")),
        ("plain PKCE", good.replace("S256", "plain")),
        ("the implicit flow", good.replace("response_type=code", "response_type=token")),
    ] {
        let mut browser = served.client().browser();
        let left = browser.open(&format!("{}{path}", served.dev.origin)).expect("an answer").left();
        assert!(left.query_pairs().any(|(name, _)| name == "error"), "{what}: {left}");
        assert!(left.query_pairs().any(|(name, _)| name == "iss"), "{what}: {left}");
    }
}

#[test]
fn a_forged_stale_or_foreign_post_moves_nothing() {
    let served = Served::start();
    let (mut browser, arrival) = served.begin_sign_up();
    let page = arrival.page();
    let form = page.form_with("email").fill("email", "mallory@test.example");

    let mut forged = form.clone();
    for field in forged.fields.iter_mut().filter(|field| !field.editable) {
        field.value = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned();
    }
    let answer = browser.post(&page, &forged).expect("an answer");
    assert!(answer.status() < 500, "{}", answer.text());
    let mut stranger = Browser::default();
    let foreign = stranger.post(&page, &form).expect("an answer");
    assert!((400..500).contains(&foreign.status()), "another browser's post: {}", foreign.status());
    assert!(served.dev.mails().is_empty(), "nothing was sent");

    let again = browser.get(&page.url).expect("the page");
    assert!(
        browser.follow(again).expect("the page").page().form_with("email").has_field("email"),
        "the journey is where it was"
    );
}

#[test]
fn oversized_and_malformed_requests_are_refused_and_the_server_lives() {
    let served = Served::start();
    let address = served.dev.origin.trim_start_matches("http://").to_owned();
    let say = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(&address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
        // The server may refuse before it has read everything.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.take(64).read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let body = vec![b'a'; 4 * 1024 * 1024];
    let head = |length: usize| {
        format!(
            "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let large = say(&[head(body.len()).as_bytes(), &body].concat());
    assert!(
        large.starts_with("HTTP/1.1 413") || large.starts_with("HTTP/1.1 400") || large.is_empty(),
        "{large}"
    );
    let header = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "a".repeat(512 * 1024));
    let answer = say(header.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 4") || answer.is_empty(), "{answer}");
    for garbage in [
        "\0\0\0\0\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /oauth2/token HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ] {
        let answer = say(garbage.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4") || answer.is_empty(), "{garbage:?}: {answer}");
    }
    assert_eq!(status(&served, "/.well-known/openid-configuration"), 200);
}

#[test]
fn a_slow_client_does_not_hold_a_connection_for_ever() {
    let served = Served::start();
    let mut stream =
        TcpStream::connect(served.dev.origin.trim_start_matches("http://")).expect("a connection");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").expect("half a request");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server closes the connection");
}

#[test]
fn a_locked_or_corrupt_store_is_an_error_with_a_remedy() {
    let mut served = Served::start();
    let start = |data: &std::path::Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_idflow"));
        let ports = ["--listen", "127.0.0.1:0", "--demo", "127.0.0.1:0"];
        command.arg("dev").arg(served.dev.folder.path()).args(ports).arg("--data").arg(data);
        command.output().expect("idflow dev")
    };
    let data = served.data();
    let locked = start(&data);
    assert!(!locked.status.success());
    let words = String::from_utf8_lossy(&locked.stderr).to_lowercase();
    assert!(words.contains("another") || words.contains("lock"), "{words}");

    served.dev.process.kill();
    let file = data.join("store.redb");
    let length = usize::try_from(std::fs::metadata(&file).expect("the store").len()).expect("a size");
    std::fs::write(&file, vec![0x5a; length]).expect("the store");
    let corrupt = start(&data);
    assert!(!corrupt.status.success());
    let words = String::from_utf8_lossy(&corrupt.stderr).into_owned();
    assert!(words.contains("store.redb") && !words.contains("panicked"), "{words}");
}

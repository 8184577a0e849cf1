//! Cookies that are not ours: other applications of the same host set them, and people cannot see them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use idflow_test_support::browser::Browser;
use url::Url;

use crate::Served;

/// What stands around our own cookies.
type Around<'a> = (&'a [u8], &'a [u8]);

/// One request with these bytes as its `Cookie` header.
fn get(served: &Served, path: &str, cookies: &[u8]) -> String {
    let address = served.dev.origin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nCookie: ");
    let request = [head.as_bytes(), cookies, b"\r\n\r\n"].concat();
    stream.write_all(&request).expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

fn among(own: &str, (before, after): Around<'_>) -> Vec<u8> {
    [before, own.as_bytes(), after].concat()
}

/// The cookies of a browser at a page.
fn cookies(browser: &Browser, url: &Url) -> String {
    browser.cookie_header(url)
}

const FOREIGN: [Around<'_>; 6] = [
    (b"name=caf\xe9; ", b""),
    (b"", b"; \xff\xfe=\x80"),
    (b"flag; ", b"; other"),
    (b"=; ;; ", b" ;;"),
    (b"\xc3\xa4=\xc3\xb6;", b";x=\"a,b\""),
    (b"a=b=c; ", b"; idflow-journeys=x"),
];

#[test]
fn a_foreign_cookie_hides_no_cookie_of_ours() {
    let served = Served::start();
    let (browser, arrival) = served.begin_sign_up();
    let page = arrival.page();
    let signed_in = served.sign_up("ada@test.example");
    let home = Url::parse(&format!("{}/", served.dev.origin)).expect("a URL");
    for around in FOREIGN {
        let step = get(&served, page.url.path(), &among(&cookies(&browser, &page.url), around));
        assert!(step.starts_with("HTTP/1.1 200"), "{around:?}: {step}");
        let answer = get(&served, "/", &among(&cookies(&signed_in, &home), around));
        assert!(answer.contains("You are signed in"), "{around:?}: {answer}");
    }
}

#[test]
fn of_two_cookies_of_one_name_the_right_one_counts() {
    let served = Served::start();
    let (browser, arrival) = served.begin_sign_up();
    let page = arrival.page();
    let own = cookies(&browser, &page.url);
    let (name, value) = own.split_once('=').expect("one cookie");
    let signed_in = served.sign_up("ada@test.example");
    let home = Url::parse(&format!("{}/", served.dev.origin)).expect("a URL");
    let all = cookies(&signed_in, &home);
    let session = all.split("; ").find(|cookie| cookie.starts_with("idflow-session=")).expect("a session");
    let forged = "idflow-session=AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for other in ["", "old", value.get(1..).expect("ASCII")] {
        for both in [format!("{name}={other}; {own}"), format!("{own}; {name}={other}")] {
            let step = get(&served, page.url.path(), both.as_bytes());
            assert!(step.starts_with("HTTP/1.1 200"), "{both}: {step}");
        }
    }
    for other in ["idflow-session=", "idflow-session=nonsense", forged] {
        for both in [format!("{other}; {session}"), format!("{session}; {other}")] {
            let answer = get(&served, "/", both.as_bytes());
            assert!(answer.contains("You are signed in"), "{both}: {answer}");
            let authorize = served.client().authorize_url("again").replace(&served.dev.origin, "");
            let answer = get(&served, &authorize, both.as_bytes());
            assert!(answer.contains("/callback?code="), "{both}: {answer}");
        }
    }
}

#[test]
fn a_request_is_as_long_as_what_accepts_it_lets_it_be() {
    let served = Served::start();
    let authorize = served.client().authorize_url("mine").replace(&served.dev.origin, "");
    for length in [20_000, 40_000, 64_000] {
        let state = "s".repeat(length);
        let authorize = authorize.replace("state=mine", &format!("state={state}"));
        let answer = get(&served, &format!("{authorize}&prompt=none&other=1"), b"idflow-language=en");
        let returned = answer.starts_with("HTTP/1.1 303") && answer.contains(&format!("state={state}"));
        assert!(returned && answer.contains("error=login_required"), "{length}: {answer:.300}");
    }
    // The HTTP library keeps an address in 16 bits, and refuses a longer one by itself.
    let answer = get(&served, &format!("{authorize}&other={}", "x".repeat(66_000)), b"");
    assert!(answer.starts_with("HTTP/1.1 414"), "{answer:.300}");
}

#[test]
fn more_cookies_than_are_read_are_named_on_a_page_with_the_cure() {
    let served = Served::start();
    let one = format!("tracker={}; ", "x".repeat(4000));
    for much in [one.repeat(10), one.repeat(30)] {
        let answer = get(&served, "/", much.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer:.200}");
        assert!(answer.contains("<h1") && answer.contains("cookies"), "{answer}");
        let answer = get(&served, "/oauth2/userinfo", much.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 431") && answer.contains("\"error\""), "{answer:.400}");
    }
    // What the HTTP library does not read to its end it refuses by itself, and nothing that follows is read.
    let answer = get(&served, "/", one.repeat(60).as_bytes());
    assert!(answer.starts_with("HTTP/1.1 431") && answer.ends_with("\r\n\r\n"), "{answer:.200}");
    let answer = get(&served, "/", one.repeat(7).as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200"), "a little less is read: {answer:.200}");
}

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::guard::tests::{FORBIDDEN, Scripted};

fn call(base: &str, path: &str) -> OutboundRequest {
    OutboundRequest {
        method: "GET".into(),
        base: base.into(),
        path: path.into(),
        headers: Vec::new(),
        body: None,
        timeout: Span::seconds(5),
        allowed_hosts: None,
        allowed_networks: vec!["127.0.0.0/8".into()],
    }
}

/// A server that answers every connection with the bytes and gives back what it was sent.
async fn server(answer: &'static [u8]) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>, Tasks) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = tokio::sync::mpsc::unbounded_channel();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 65536];
            let length = stream.read(&mut buffer).await.unwrap_or(0);
            let _ = sender.send(String::from_utf8_lossy(&buffer[..length]).into_owned());
            let _ = stream.write_all(answer).await;
        }
    });
    (base, received, tasks)
}

type Tasks = tokio::task::JoinSet<()>;

const HELLO: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

#[tokio::test]
async fn a_call_carries_method_path_headers_and_body() {
    let (base, mut received, _tasks) = server(HELLO).await;
    let request = OutboundRequest {
        method: "POST".into(),
        headers: vec![("authorization".into(), SecretText::new("Bearer t0ken"))],
        body: Some("{\"a\":1}".into()),
        ..call(&format!("{base}/v1/"), "/users?x=1%202")
    };
    let answer = GuardedClient::default().request(request).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    let sent = received.recv().await.unwrap();
    assert!(sent.starts_with("POST /v1/users?x=1%202 HTTP/1.1\r\n"), "{sent}");
    assert!(
        sent.contains("authorization: Bearer t0ken\r\n") && sent.ends_with("\r\n\r\n{\"a\":1}"),
        "{sent}"
    );
    assert!(sent.contains("content-type: application/json\r\n"), "{sent}");
}

#[tokio::test]
async fn r_4_nothing_is_attached_by_itself() {
    let (base, mut received, _tasks) = server(HELLO).await;
    GuardedClient::default().request(call(&base, "/")).await.unwrap();
    let sent = received.recv().await.unwrap().to_ascii_lowercase();
    let names: Vec<&str> = sent.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0)).collect();
    assert!(
        names.iter().all(|name| ["host", "user-agent", "accept", "accept-encoding"].contains(name)),
        "{sent}"
    );
}

#[tokio::test]
async fn r_1_addresses_that_are_not_granted_are_refused() {
    let client = GuardedClient::default();
    for address in FORBIDDEN {
        let host = if address.contains(':') { format!("[{address}]") } else { (*address).to_owned() };
        let request =
            OutboundRequest { allowed_networks: Vec::new(), ..call(&format!("https://{host}"), "/") };
        let outcome = client.request(request).await;
        assert!(
            matches!(outcome, Err(OutboundError::Refused(Refused::Address { .. }))),
            "{host}: {outcome:?}"
        );
    }
}

/// Spellings that browsers and libraries understand, of addresses that are not public.
const SPELLINGS: &[&str] = &[
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.1",
    "127.0.1",
    "127.000.000.001",
    "0177.0.0.1",
    "0x7f.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "0X7F000001",
    "2130706433",
    "017700000001",
    "127.0.0.1.",
    "0",
    "0.0",
    "0x0",
    "00.00.00.00",
    "127.65535",
    "127.0.65534",
    "0x7f.0x0.0x0.0x1",
    "0177.0000.0000.0001",
    "10.1",
    "0xa.1",
    "012.1",
    "167772161",
    "0xa000001",
    "192.168.1",
    "0xc0.0xa8.0.1",
    "3232235521",
    "0300.0250.0.1",
    "169.254.43518",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "0xa9.0xfe.0xa9.0xfe",
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127．0．0．1",
    "１２７。１",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "ｌｏｃａｌｈｏｓｔ",
    "%6c%6f%63%61%6c%68%6f%73%74",
    "%31%32%37.0.0.1",
    "127.0.0.%31",
    "loc\u{ad}alhost",
    "127.0.0.1%2e",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7F00:1]",
    "[::ffff:7f00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
];

/// The same, and seven addresses in every notation.
fn spellings() -> Vec<String> {
    let mut all: Vec<String> = SPELLINGS.iter().map(|spelling| (*spelling).to_owned()).collect();
    for address in
        ["127.0.0.1", "10.0.0.1", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"]
    {
        let parsed: std::net::Ipv4Addr = address.parse().unwrap();
        let [a, b, c, d] = parsed.octets();
        let whole = u32::from(parsed);
        let tail = whole & 0xff_ffff;
        let half = whole & 0xffff;
        all.extend([
            format!("{whole}"),
            format!("{whole:#x}"),
            format!("0{whole:o}"),
            format!("{a}.{tail}"),
            format!("{a:#x}.{tail}"),
            format!("0{a:o}.{tail}"),
            format!("{a}.{tail:#x}"),
            format!("{a}.0{tail:o}"),
            format!("{a}.{b}.{half}"),
            format!("{a:#x}.{b:#x}.{half:#x}"),
            format!("0{a:o}.0{b:o}.0{half:o}"),
            format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
            format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            format!("{a}.{b:#x}.0{c:o}.{d}"),
            format!("000{a:o}.{b}.{c}.{d}"),
            format!("0x00{a:x}.{b}.{c}.{d}"),
            format!("{a}.{b}.{c}.{d}."),
            format!("{a}。{b}。{c}。{d}"),
            format!("{a}．{b}．{c}．{d}"),
            format!("{a}｡{b}｡{c}｡{d}"),
            format!("{a}%2e{b}%2e{c}%2e{d}"),
            format!("[::{a}.{b}.{c}.{d}]"),
            format!("[::ffff:{a}.{b}.{c}.{d}]"),
            format!("[::ffff:0:{a}.{b}.{c}.{d}]"),
            format!("[0:0:0:0:0:FFFF:{a:02x}{b:02x}:{c:02x}{d:02x}]"),
            format!("[64:ff9b::{a}.{b}.{c}.{d}]"),
            format!("[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::]"),
            format!("[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]"),
            format!("[2001:0:{a:02x}{b:02x}:{c:02x}{d:02x}::1]"),
            format!("[64:ff9b:1::{a}.{b}.{c}.{d}]"),
            fullwidth(address),
            format!("user@{address}"),
            format!("user:secret@{address}"),
            format!("example.com@{address}"),
            format!("{address}:443"),
            format!("{address}#@example.com"),
        ]);
    }
    all
}

fn fullwidth(text: &str) -> String {
    text.chars().map(|c| c.to_digit(10).and_then(|n| char::from_u32(0xff10 + n)).unwrap_or(c)).collect()
}

#[tokio::test]
async fn r_1_no_spelling_of_a_forbidden_address_gets_through() {
    let spellings = spellings();
    assert!(spellings.len() >= 300, "{}", spellings.len());
    // A name server that would let everything through: only what is no name may be told apart.
    let client = GuardedClient::new(Arc::new(SystemResolver), Vec::new());
    for host in spellings {
        for scheme in ["https", "http"] {
            let request =
                OutboundRequest { allowed_networks: Vec::new(), ..call(&format!("{scheme}://{host}"), "/") };
            let outcome = client.request(request).await;
            assert!(
                matches!(outcome, Err(OutboundError::Refused(_) | OutboundError::Invalid(_))),
                "{scheme}://{host}: {outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn r_2_the_address_that_was_checked_is_the_address_dialled() {
    // A canary on a loopback address that is never granted, behind a name server that alternates.
    let canary = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = canary.local_addr().unwrap().port();
    let hits = Arc::new(AtomicUsize::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    let counted = Arc::clone(&hits);
    tasks.spawn(async move {
        while canary.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    for turn in 0..100 {
        let answers = match turn % 3 {
            0 => vec![vec!["127.0.0.1"], vec!["127.0.0.2"]],
            1 => vec![vec!["127.0.0.1", "127.0.0.2"], vec!["127.0.0.2"]],
            _ => vec![vec!["127.0.0.2"], vec!["127.0.0.1"]],
        };
        let resolver = Scripted::new(answers);
        let client = GuardedClient::new(Arc::clone(&resolver) as Arc<dyn Resolver>, Vec::new());
        let request = OutboundRequest {
            allowed_networks: vec!["127.0.0.1/32".into()],
            ..call(&format!("https://rebinding.example:{port}"), "/")
        };
        let outcome = client.request(request).await;
        match turn % 3 {
            0 => assert!(matches!(outcome, Err(OutboundError::Unreachable(_))), "{outcome:?}"),
            _ => assert!(matches!(outcome, Err(OutboundError::Refused(_))), "{outcome:?}"),
        }
        assert_eq!(resolver.asked.load(Ordering::SeqCst), 1, "the name is looked up once");
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(hits.load(Ordering::SeqCst), 0);
    let client = GuardedClient::new(Scripted::new(vec![vec!["127.0.0.2"]]), Vec::new());
    let granted = OutboundRequest {
        timeout: Span(500),
        allowed_networks: vec!["127.0.0.2/32".into()],
        ..call(&format!("https://rebinding.example:{port}"), "/")
    };
    assert!(client.request(granted).await.is_err());
    assert_eq!(hits.load(Ordering::SeqCst), 1, "the canary can be reached when it is granted");
}

#[tokio::test]
async fn a_connection_made_under_another_policy_is_not_used_again() {
    let (base, _received, _tasks) = server(HELLO).await;
    let client = GuardedClient::default();
    client.request(call(&base, "/")).await.unwrap();
    let stricter = OutboundRequest { allowed_networks: Vec::new(), ..call(&base, "/") };
    assert!(matches!(client.request(stricter).await, Err(OutboundError::Refused(_))));
}

#[tokio::test]
async fn r_1_only_listed_hosts_are_called() {
    let (base, _received, _tasks) = server(HELLO).await;
    let only =
        |host: &str| OutboundRequest { allowed_hosts: Some(vec![host.to_owned()]), ..call(&base, "/") };
    let client = GuardedClient::default();
    assert!(client.request(only("127.0.0.1")).await.is_ok());
    assert!(matches!(
        client.request(only("api.example.com")).await,
        Err(OutboundError::Refused(Refused::Host(_)))
    ));
}

#[tokio::test]
async fn r_3_redirects_are_answers_not_followed() {
    for answer in [
        b"HTTP/1.1 301 X\r\nlocation: http://127.0.0.2/\r\ncontent-length: 0\r\n\r\n".as_slice(),
        b"HTTP/1.1 302 X\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 307 X\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 308 X\r\nlocation: https://example.com/\r\ncontent-length: 0\r\n\r\n",
    ] {
        let (base, mut received, _tasks) = server(answer).await;
        let status = GuardedClient::default().request(call(&base, "/")).await.unwrap().status;
        assert!((300..400).contains(&status));
        assert!(received.recv().await.is_some() && received.try_recv().is_err());
    }
}

#[tokio::test]
async fn r_5_answers_are_limited_in_size_time_and_headers() {
    let huge: &'static [u8] =
        Vec::leak([b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &vec![b'x'; MAX_BODY + 1]].concat());
    let (base, _received, _tasks) = server(huge).await;
    let outcome = GuardedClient::default().request(call(&base, "/")).await;
    assert_eq!(outcome, Err(OutboundError::TooLarge("127.0.0.1".into())));

    let headers = "x: y\r\n".repeat(100_000);
    let many: &'static [u8] = Vec::leak(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes());
    let (base, _received, _tasks) = server(many).await;
    let outcome = GuardedClient::default().request(call(&base, "/")).await;
    assert_eq!(outcome, Err(OutboundError::Unreachable("127.0.0.1".into())));

    let (base, _received, _tasks) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let outcome = GuardedClient::default().request(call(&base, "/")).await;
    assert_eq!(outcome, Err(OutboundError::Unreachable("127.0.0.1".into())), "cut short");
    let request = OutboundRequest {
        timeout: Span(200),
        ..call(&format!("http://{}", silent.local_addr().unwrap()), "/")
    };
    let outcome = GuardedClient::default().request(request).await;
    assert_eq!(outcome, Err(OutboundError::Timeout("127.0.0.1".into())));
}

#[tokio::test]
async fn r_9_errors_show_nothing_of_the_answer_or_the_secrets() {
    let (base, _received, _tasks) = server(b"SSH-2.0-OpenSSH_9.9 internal-canary\r\n").await;
    let request = OutboundRequest {
        headers: vec![("authorization".into(), SecretText::new("Bearer s3cr3t-canary"))],
        ..call(&base, "/")
    };
    assert!(!format!("{request:?}").contains("s3cr3t"));
    let error = GuardedClient::default().request(request).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[tokio::test]
async fn r_7_headers_and_methods_are_checked() {
    let client = GuardedClient::default();
    for (name, value) in [
        ("x-a", "b\r\nx-evil: 1"),
        ("x-a", "b\nc"),
        ("x-a", "b\0"),
        ("x a", "b"),
        ("x-a\r\n", "b"),
        ("", "b"),
        ("host", "evil.example"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("connection", "x"),
    ] {
        let request = OutboundRequest {
            headers: vec![(name.into(), SecretText::new(value))],
            ..call("https://api.example.com", "/")
        };
        assert!(matches!(client.request(request).await, Err(OutboundError::Invalid(_))), "{name:?}");
    }
    for method in ["get", "TRACE", "CONNECT", "OPTIONS", "GET / HTTP/1.1\r\nx: y\r\n", ""] {
        let request = OutboundRequest { method: method.into(), ..call("https://api.example.com", "/") };
        assert!(matches!(client.request(request).await, Err(OutboundError::Invalid(_))), "{method:?}");
    }
}

#[test]
fn r_6_a_path_stays_below_its_base() {
    let base = "https://api.example.com/v1";
    for (path, wanted) in [
        ("", "https://api.example.com/v1"),
        ("/users", "https://api.example.com/v1/users"),
        ("/users/a%2Fb?x=%3F&y=../z", "https://api.example.com/v1/users/a%2Fb?x=%3F&y=../z"),
        ("?x=1", "https://api.example.com/v1?x=1"),
        ("/a..b/...", "https://api.example.com/v1/a..b/..."),
        ("//evil.example/", "https://api.example.com/v1//evil.example/"),
        ("/@evil.example/", "https://api.example.com/v1/@evil.example/"),
    ] {
        assert_eq!(below(base, path).unwrap().as_str(), wanted);
    }
    for path in [
        "users",
        "@evil.example/",
        ".evil.example",
        ":8080/",
        "/..",
        "/../admin",
        "/a/../../b",
        "/./a",
        "/%2e%2e/a",
        "/%2E./a",
        "/.%2e",
        "/a\\..\\b",
        "/\\evil.example",
        "/a#b",
        "/a b",
        "/a\r\nx",
        "/\t..",
        "/a\0",
    ] {
        assert!(below(base, path).is_err(), "{path:?}");
    }
}

#[test]
fn r_1_a_base_is_an_https_url_without_credentials() {
    for base in [
        "https://a.example",
        "https://a.example:8443/x/",
        "http://127.0.0.1:80",
        "http://localhost",
        "http://[::1]:1",
    ] {
        assert!(below(base, "/").is_ok(), "{base}");
    }
    for base in [
        "http://a.example",
        "ftp://a.example",
        "file:///etc/passwd",
        "gopher://127.0.0.1",
        "https://u@a.example",
        "https://u:p@a.example",
        "https://a.example?x",
        "https://a.example#x",
        "a.example",
        "",
        "https://",
        "http://0.0.0.0",
        "data:text/plain,x",
        "https://[fe80::1%25eth0]/",
    ] {
        assert!(below(base, "/").is_err(), "{base}");
    }
}

proptest! {
    #[test]
    fn r_6_no_path_changes_the_host(path in r"[/?#@:.%\\a-z0-9\r\n \[\]]{0,30}") {
        if let Ok(url) = below("https://api.example.com/v1", &path) {
            prop_assert_eq!(url.host_str(), Some("api.example.com"));
            prop_assert_eq!(url.port_or_known_default(), Some(443));
            prop_assert!(url.path().starts_with("/v1"));
        }
    }
}

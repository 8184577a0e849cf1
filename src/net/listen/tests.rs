use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use super::*;

/// A server that answers with the peer and the length of the body; `/slow` takes 300 ms.
struct Running {
    address: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    tasks: JoinSet<()>,
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let peer = request.extensions().get::<SocketAddr>().map(|peer| peer.ip().to_string()).unwrap_or_default();
    let slow = request.uri().path() == "/slow";
    let version = request.version();
    let unclear = request.extensions().get::<UnclearHost>().is_some();
    let body = request.into_body().collect().await.map(|body| body.to_bytes().len()).unwrap_or_default();
    if slow {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let unclear = if unclear { " unclear" } else { "" };
    Ok(Response::new(Full::from(format!("{peer} {body} {version:?}{unclear}"))))
}

async fn start(limits: Limits, tls: Option<Arc<rustls::ServerConfig>>) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let mut tasks = JoinSet::new();
    let service = tower::service_fn(answer);
    tasks.spawn(serve(listener, tls, service, limits, async move {
        let _ = ended.await;
    }));
    Running { address, end: Some(end), tasks }
}

fn strict() -> Limits {
    let short = Duration::from_millis(300);
    Limits { header: short, idle: short, handshake: short, ..Limits::default() }
}

/// Sends the bytes and reads until the server closes, at most three seconds.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    read_to_end(&mut stream).await
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut text)).await;
    assert!(read.is_ok(), "the connection was not closed");
    String::from_utf8_lossy(&text).into_owned()
}

const CLOSE: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_request_is_answered_and_carries_its_peer() {
    let server = start(Limits::default(), None).await;
    let text = exchange(server.address, CLOSE).await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("127.0.0.1 0 HTTP/1.1"), "{text}");
}

#[tokio::test]
async fn a_slow_header_is_cut_off() {
    let server = start(strict(), None).await;
    for begun in
        [b"".as_slice(), b"G", b"GET / HTTP/1.1\r\nhost: x\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"]
    {
        exchange(server.address, begun).await;
    }
    let mut dripping = TcpStream::connect(server.address).await.unwrap();
    let mut sent = 0;
    for byte in b"GET / HTTP/1.1\r\nhost: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" {
        if dripping.write_all(&[*byte]).await.is_err() {
            break;
        }
        sent += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(sent < 40, "{sent} bytes were taken");
}

#[tokio::test]
async fn a_connection_may_wait_longer_for_its_next_request_than_for_its_header() {
    let limits = Limits { idle: Duration::from_millis(1500), ..strict() };
    let server = start(limits, None).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut answer = [0; 4096];
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let read = stream.read(&mut answer).await.unwrap();
        assert!(
            answer[..read].starts_with(b"HTTP/1.1 200 OK"),
            "{}",
            String::from_utf8_lossy(&answer[..read])
        );
        tokio::time::sleep(Duration::from_millis(900)).await;
    }
    let begun = tokio::time::Instant::now();
    stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    read_to_end(&mut stream).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "half a header is no next request");
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    silent.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let begun = tokio::time::Instant::now();
    read_to_end(&mut silent).await;
    assert!(begun.elapsed() >= Duration::from_millis(1400), "it ends only after its idle time");
    assert!(Limits::default().idle >= Duration::from_secs(75));
}

#[tokio::test]
async fn a_request_that_names_no_host_or_two_is_told_apart() {
    let server = start(Limits::default(), None).await;
    for (request, is_unclear) in [
        ("GET / HTTP/1.1\r\nconnection: close\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n", true),
        ("GET http://a/ HTTP/1.1\r\nconnection: close\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", false),
    ] {
        let text = exchange(server.address, request.as_bytes()).await;
        assert_eq!(text.ends_with(" unclear"), is_unclear, "{request}: {text}");
    }
}

#[tokio::test]
async fn a_silent_tls_client_is_cut_off() {
    let (_, config) = certificate(&[]);
    let server = start(strict(), Some(config)).await;
    exchange(server.address, b"").await;
    exchange(server.address, b"\x16\x03\x01").await;
    exchange(server.address, CLOSE).await;
}

#[tokio::test]
async fn an_oversized_header_is_refused() {
    let server = start(strict(), None).await;
    for request in [
        format!("GET / HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", "a".repeat(200_000)),
        format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(200_000)),
        format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(200)),
    ] {
        let text = exchange(server.address, request.as_bytes()).await;
        assert!(!text.contains("200 OK"), "{}", &text[..text.len().min(100)]);
    }
    let text = exchange(server.address, CLOSE).await;
    assert!(text.contains("200 OK"), "the next client is served");
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let server = start(strict(), None).await;
    for bytes in [
        b"\x00\x01\x02\r\n\r\n".as_slice(),
        b"SSH-2.0-x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: x\r\n\r\n",
    ] {
        let text = exchange(server.address, bytes).await;
        assert!(!text.contains("200 OK"), "{text}");
    }
}

#[tokio::test]
async fn connections_over_the_cap_wait_for_a_place() {
    let server = start(Limits { connections: 2, ..strict() }, None).await;
    let _idle = [
        TcpStream::connect(server.address).await.unwrap(),
        TcpStream::connect(server.address).await.unwrap(),
    ];
    tokio::time::sleep(Duration::from_millis(50)).await;
    let waiting = tokio::time::timeout(Duration::from_millis(100), exchange(server.address, CLOSE)).await;
    assert!(waiting.is_err(), "both places are taken");
    assert!(exchange(server.address, CLOSE).await.contains("200 OK"), "idle clients lose their place");
}

#[tokio::test]
async fn the_end_lets_requests_finish_and_takes_no_new_ones() {
    let mut server = start(Limits::default(), None).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.end.take().unwrap().send(()).unwrap();
    let finished = read_to_end(&mut busy).await;
    assert!(finished.contains("200 OK"), "{finished}");
    assert_eq!(read_to_end(&mut idle).await, "");
    tokio::time::timeout(Duration::from_secs(3), server.tasks.join_next()).await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let mut server = start(Limits { drain: Duration::from_millis(100), ..Limits::default() }, None).await;
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nonly a part").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.end.take().unwrap().send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(2), server.tasks.join_next()).await.unwrap();
}

fn certificate(alpn: &[&[u8]]) -> (reqwest::Certificate, Arc<rustls::ServerConfig>) {
    crate::install_crypto();
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    (reqwest::Certificate::from_der(issued.cert.der()).unwrap(), Arc::new(config))
}

#[tokio::test]
async fn tls_clients_get_the_protocol_they_agree_on() {
    for (alpn, version) in [(vec![b"h2".as_slice()], "HTTP/2.0"), (vec![b"http/1.1".as_slice()], "HTTP/1.1")]
    {
        let (root, config) = certificate(&alpn);
        let server = start(Limits::default(), Some(config)).await;
        let client = crate::client::GuardedClient::new(Arc::new(crate::guard::SystemResolver), vec![root]);
        let request = crate::client::OutboundRequest {
            method: "POST".into(),
            base: format!("https://localhost:{}", server.address.port()),
            path: "/".into(),
            headers: Vec::new(),
            body: Some("12345".into()),
            timeout: idflow_core::time::Span::seconds(5),
            allowed_hosts: None,
            allowed_networks: vec!["127.0.0.0/8".into(), "::1/128".into()],
        };
        let answer = client.request(request).await.unwrap();
        assert_eq!(String::from_utf8(answer.body).unwrap(), format!("127.0.0.1 5 {version}"));
    }
}

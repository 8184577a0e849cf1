//! The operator's own port: `/healthz`, `/readyz` and `/metrics`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::context::Context;

const MAX_CONNECTIONS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(5);
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers probes until the process ends.
pub(crate) async fn serve(ctx: Arc<Context>, listen: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await?;
        let Ok((stream, _)) = listener.accept().await else { continue };
        let metrics = {
            let ctx = Arc::clone(&ctx);
            move || ctx.metrics.text(&ctx.queues, &ctx.world)
        };
        open.spawn(async move {
            // Whoever is slow or goes away loses the connection, nothing else.
            let _answered = tokio::time::timeout(PATIENCE, converse(stream, metrics)).await;
            drop(place);
        });
        while open.try_join_next().is_some() {}
    }
}

/// One request per connection: a probe does not come again soon, and places are few.
async fn converse(stream: TcpStream, metrics: impl Fn() -> String) -> hyper::Result<()> {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(request.uri().path(), &metrics);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    connection.await
}

fn answer(path: &str, metrics: impl Fn() -> String) -> Response<Full<Bytes>> {
    let (status, body) = match path {
        "/healthz" | "/readyz" => (StatusCode::OK, "ok\n".to_owned()),
        "/metrics" => (StatusCode::OK, metrics()),
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(MEDIA_TYPE));
    answer
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What a peer that says `text` is answered, on a connection of its own.
    async fn said(text: &str) -> String {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut answer = String::new();
        let conversation = async {
            peer.write_all(text.as_bytes()).await.unwrap();
            peer.read_to_string(&mut answer).await.unwrap();
        };
        let (_served, ()) = tokio::join!(converse(stream, || "a_counter 1\n".to_owned()), conversation);
        answer
    }

    #[tokio::test]
    async fn a_probe_gets_its_answer_and_the_connection_is_closed() {
        for (request, status, body) in [
            ("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n", "200 OK", "ok\n"),
            ("GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n", "200 OK", "a_counter 1\n"),
            ("GET /metrics?a=b HTTP/1.1\r\nhost: a\r\n\r\n", "200 OK", "a_counter 1\n"),
            ("GET /other HTTP/1.1\r\nhost: a\r\n\r\n", "404 Not Found", ""),
            ("no request\r\n\r\n", "400 Bad Request", ""),
        ] {
            let answer = said(request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {answer}");
            assert_eq!(answer.split("\r\n\r\n").nth(1), Some(body), "{request}: {answer}");
        }
    }
}

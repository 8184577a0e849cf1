//! The operator's own port: `/healthz`, `/readyz` and `/metrics`.
//!
//! Three fixed answers to the kubelet and the scraper are not worth an HTTP framework: a request line is read, a
//! response is written, the connection is closed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::context::Context;

const MAX_CONNECTIONS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers probes until the process ends.
pub(crate) async fn serve(ctx: Arc<Context>, listen: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await?;
        let Ok((stream, _)) = listener.accept().await else { continue };
        let ctx = Arc::clone(&ctx);
        open.spawn(async move {
            // Whoever is slow or goes away loses the connection, nothing else.
            let _answered = tokio::time::timeout(PATIENCE, answer(&ctx, stream)).await;
            drop(place);
        });
        while open.try_join_next().is_some() {}
    }
}

async fn answer(ctx: &Context, mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 1024];
    let length = stream.read(&mut buffer).await?;
    let request = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
    let (status, body) = match request.split(' ').nth(1) {
        Some("/healthz" | "/readyz") => ("200 OK", "ok\n".to_owned()),
        Some("/metrics") => ("200 OK", ctx.metrics.text(&ctx.queues, &ctx.world)),
        _ => ("404 Not Found", String::new()),
    };
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

//! The accept loop: a cap on connections, a time-out on everything a slow client can stretch, a graceful end.
//!
//! It is our own because the usual ones set no timer, so that their header time-out does nothing. The protocol
//! follows from TLS (ALPN); without TLS it is HTTP/1, because telling the two apart means an unlimited read. What
//! is inside a request, its body's size and time above all, is the router's business.

mod patience;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::{Request, Response, Version};
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::{Service, ServiceExt};

use self::patience::Patient;

/// How much clients may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open connections; more wait in the system's queue.
    pub connections: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a request's header may take, the first one's from the connection on.
    pub header: Duration,
    /// How long a connection may wait for its next request. Proxies keep theirs for a minute and more, and send the
    /// next request into one that was just closed if we are shorter.
    pub idle: Duration,
    /// Bytes of a request's header; more is answered 431, and nothing of ours gets to see it or to say a word about it.
    pub header_bytes: u32,
    /// Header fields of a request; more is answered 431.
    pub header_fields: usize,
    /// Requests at one time on one HTTP/2 connection.
    pub streams: u32,
    /// How long requests may go on after the end was asked for.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            handshake: Duration::from_secs(5),
            header: Duration::from_secs(5),
            idle: Duration::from_secs(90),
            // Twice what is expected, so that whoever sends more can be told what to do.
            header_bytes: 128 << 10,
            header_fields: 100,
            streams: 100,
            drain: Duration::from_secs(20),
        }
    }
}

/// Serves until `end` is ready, then lets running requests finish within [`Limits::drain`]. Every request carries
/// its peer's `SocketAddr` as an extension.
pub async fn serve<S, B>(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    service: S,
    limits: Limits,
    end: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let slots = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let acceptor = tls.map(tokio_rustls::TlsAcceptor::from);
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut end => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        let connection = Connection { peer, limits, watcher: graceful.watcher(), _slot: slot };
        connections.spawn(connection.run(stream, acceptor.clone(), service.clone()));
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            open = connections.len(),
            "connections were cut off after the time to finish was over"
        );
    }
    connections.shutdown().await;
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Small answers shall not wait for more; where it cannot be set, they do.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, slot))
        }
        Err(error) => {
            // Out of file descriptors, most likely: some will come back.
            tracing::warn!(%error, "a connection was not accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

struct Connection {
    peer: SocketAddr,
    limits: Limits,
    watcher: Watcher,
    /// Frees the connection's place when dropped.
    _slot: OwnedSemaphorePermit,
}

impl Connection {
    async fn run<S, B>(self, stream: TcpStream, tls: Option<tokio_rustls::TlsAcceptor>, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(acceptor) = tls else { return self.http1(stream, service).await };
        let Ok(Ok(stream)) = tokio::time::timeout(self.limits.handshake, acceptor.accept(stream)).await
        else {
            return;
        };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.http2(stream, service).await;
        } else {
            self.http1(stream, service).await;
        }
    }

    async fn http1<S, B, I>(self, stream: I, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let peer = self.peer;
        let (stream, arrived) = Patient::new(stream, self.limits.header);
        let service = service_fn(move |request| {
            arrived.note();
            service.clone().oneshot(from(peer, request))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .max_headers(self.limits.header_fields)
            .max_header_size(self.limits.header_bytes as usize)
            .serve_connection(TokioIo::new(stream), service);
        // How a connection ends is the client's affair; what mattered was answered.
        let _ = self.watcher.watch(connection).await;
    }

    async fn http2<S, B, I>(self, stream: I, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let peer = self.peer;
        let service = service_fn(move |request| service.clone().oneshot(from(peer, request)));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.streams)
            .max_header_list_size(self.limits.header_bytes)
            .max_pending_accept_reset_streams(20)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(self.limits.header)
            .serve_connection(TokioIo::new(stream), service);
        // As above.
        let _ = self.watcher.watch(connection).await;
    }
}

fn from(peer: SocketAddr, mut request: Request<Incoming>) -> Request<Incoming> {
    if !names_one_host(&request) {
        request.extensions_mut().insert(UnclearHost);
    }
    request.extensions_mut().insert(peer);
    request
}

/// Stands among the extensions of a request that does not say for which host it is, or says two. It is answered 400
/// (RFC 9112 section 3.2): what is before us may have read another one than we do.
#[derive(Debug, Clone, Copy)]
pub struct UnclearHost;

fn names_one_host(request: &Request<Incoming>) -> bool {
    let named = request.headers().get_all(HOST).iter().count();
    match request.version() {
        Version::HTTP_11 => named == 1,
        // HTTP/1.0 knows no Host, and HTTP/2 has the authority in its place.
        _ => named <= 1,
    }
}

#[cfg(test)]
mod tests;

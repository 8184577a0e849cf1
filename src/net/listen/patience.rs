//! How long a client may take over a request's header, apart from how long it may stay silent between two requests: a
//! proxy keeps its connections for a minute and more, and a header is there at once.
//!
//! The library has one time for both. It gets the longer one, and this stream the shorter: it begins with the first
//! byte of a request and ends when the header is there.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// The header of a request is being read.
const HEADER: u8 = 0;
/// A request is being answered.
const BUSY: u8 = 1;
/// An answer was sent, and nothing has come since.
const IDLE: u8 = 2;

/// Says that a request's header is there.
#[derive(Clone)]
pub(super) struct Arrived(Arc<AtomicU8>);

impl Arrived {
    pub(super) fn note(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }
}

/// A stream that gives up on a header that does not come.
pub(super) struct Patient<S> {
    stream: S,
    state: Arc<AtomicU8>,
    patience: Duration,
    until: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    /// The first header is due from now on.
    pub(super) fn new(stream: S, patience: Duration) -> (Self, Arrived) {
        let state = Arc::new(AtomicU8::new(HEADER));
        let until = Box::pin(tokio::time::sleep(patience));
        (Self { stream, state: Arc::clone(&state), patience, until }, Arrived(state))
    }

    /// What is sent is the answer, unless it only tells the client to send its body.
    fn answering(&self, sent: &[u8]) {
        if !sent.starts_with(b"HTTP/1.1 100") {
            let _was_idle = self.state.compare_exchange(BUSY, IDLE, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            if this.state.load(Ordering::Relaxed) == IDLE {
                this.state.store(HEADER, Ordering::Relaxed);
                this.until.as_mut().reset(Instant::now() + this.patience);
            }
            return Poll::Ready(read);
        }
        if this.state.load(Ordering::Relaxed) != HEADER {
            return Poll::Pending;
        }
        ready!(this.until.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.answering(bytes);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.answering(bytes.first().map_or(&[], |first| first));
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

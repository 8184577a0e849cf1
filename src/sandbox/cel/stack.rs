//! A stack large enough for the library's recursion.

use std::io;

/// 4 KiB of source and [`MAX_DEPTH`](super::MAX_DEPTH) operators fit with room to spare, also unoptimised.
const LARGE_STACK: usize = 64 << 20;

/// Runs on a thread of its own with a large stack; an error when there is no thread to be had, or it panicked.
pub(super) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("expression".into())
            .stack_size(LARGE_STACK)
            .spawn_scoped(scope, work)?;
        thread.join().map_err(|_| io::Error::other("the expression library panicked"))
    })
}

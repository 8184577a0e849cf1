//! The journey: one synchronous loop over a compiled revision.

//! The asynchronous heart: configuration, catalog, HTTP, driving the engine.

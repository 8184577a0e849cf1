//! One request's run of a journey.

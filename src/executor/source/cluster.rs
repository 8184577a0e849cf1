//! The cluster as the configuration source.

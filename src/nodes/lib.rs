//! One file per node kind, and the list of them.

//! Cached functions over real SQL databases, one module for each promise.

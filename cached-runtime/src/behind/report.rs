//! What is told of a write that the source did not take.

use std::sync::Arc;

/// A write that has failed for good: its value is neither in the source nor in the cache.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FailedWrite {
    /// The name of the cache.
    pub cache: String,
    /// The key of the entry, without the namespace.
    pub key: String,
    /// How often the body has run.
    pub runs: u32,
    /// What its last run failed with: the error as it displays itself, or as `Debug` has it where it does not.
    pub error: String,
}

/// Who is told.
pub(crate) type Report = Arc<dyn Fn(&FailedWrite) + Send + Sync>;

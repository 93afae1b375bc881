//! A reason of our own readers and writers, where a codec's crate has none.

use std::fmt;

/// A reason in prose, of our own readers and writers.
#[derive(Debug)]
pub(super) struct Fault(String);

impl Fault {
    /// Cold and kept apart, so that the readers and writers around it stay small enough to be inlined.
    #[cold]
    #[inline(never)]
    pub(super) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl serde::ser::Error for Fault {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self(message.to_string())
    }
}

impl serde::de::Error for Fault {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self(message.to_string())
    }
}

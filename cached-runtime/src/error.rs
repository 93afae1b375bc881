//! What can go wrong, as values.
//!
//! One opaque type with a [`kind`](Error::kind) to match on, a message made of what the caller knows (a variable,
//! a store, a function) and the cause as [`source`](std::error::Error::source). Kinds may be added, so matching
//! needs a wildcard; the fields stay private so that a message can grow without breaking anybody.

use std::error::Error as StdError;
use std::fmt;

type Cause = Box<dyn StdError + Send + Sync>;

/// Everything this crate reports as a failure.
///
/// A cached function never returns it: a cache that fails is a miss. It comes from set-up ([`Caches::builder`]), from
/// explicit calls on entries and caches, and from stores.
///
/// [`Caches::builder`]: crate::Caches::builder
pub struct Error {
    kind: ErrorKind,
    message: String,
    cause: Option<Cause>,
}

/// What an [`Error`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting that cannot be used: a bad URL, an unknown store name, two caches of one name.
    Configuration,
    /// A store did not answer: not reachable, too slow, or held off after repeated failures.
    Unavailable,
    /// A store answered with an error.
    Store,
    /// A value could not be turned into bytes.
    Encode,
    /// Bytes could not be turned into a value.
    Decode,
    /// The store cannot do what was asked, for instance find keys by pattern.
    Unsupported,
    /// The [`Caches`](crate::Caches) has been shut down.
    Closed,
}

impl Error {
    /// An error of `kind` saying `message`. Public for those who write a [`Store`](crate::Store).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            cause: None,
        }
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same error, its message opened by what it is about. Not a cause of another one, which would be told twice
    /// where causes are printed.
    #[cfg(any(
        feature = "redis",
        feature = "mysql",
        feature = "postgres",
        feature = "sqlite"
    ))]
    pub(crate) fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// What this error is about.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.kind).field("message", &self.message);
        if let Some(cause) = &self.cause {
            out.field("cause", cause);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause
            .as_ref()
            .map(|cause| &**cause as &(dyn StdError + 'static))
    }
}

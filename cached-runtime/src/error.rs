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
    /// Only a part of what it is about has failed.
    partial: bool,
}

/// What an [`Error`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting that cannot be used: a bad URL, an unknown store name, two caches of one name. From a call of a store: it
    /// serves nobody as it is set up, since its credentials, its database or its table are refused.
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
            partial: false,
        }
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same error, of a store that goes on to serve its other keys: one of its several servers is down. Such an error
    /// does not count against the store as a whole. For those who write a [`Store`](crate::Store).
    #[must_use]
    pub fn of_a_part(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Whether the store as a whole does not serve: it does not answer, or it refuses whatever it is asked.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::Configuration) && !self.partial
    }

    /// With its causes, on one line, for logs.
    pub(crate) fn chain(&self) -> impl fmt::Display {
        Chain(self)
    }

    /// The same error, its message opened by what it is about. Not a cause of another one, which would be told twice
    /// where causes are printed.
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

/// What a program prints whose `main` returns it, or that unwraps it: the kind, the text as it is meant to be read, and
/// each cause on a line of its own.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)?;
        causes(self).try_for_each(|cause| write!(f, "\n  caused by: {cause}"))
    }
}

struct Chain<'a>(&'a Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        causes(self.0).try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// What each cause says, unless it is how the one before has ended: some errors tell their cause in their own text.
fn causes(error: &Error) -> impl Iterator<Item = String> {
    let all = std::iter::successors(error.source(), |&cause| cause.source());
    let mut last = error.message.clone();
    all.map(ToString::to_string).filter(move |cause| {
        let is_new = !last.ends_with(cause.as_str());
        last.clone_from(cause);
        is_new
    })
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause
            .as_ref()
            .map(|cause| &**cause as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, ErrorKind};

    #[test]
    fn what_main_prints_reads_as_it_was_written() {
        let cause = Error::new(ErrorKind::Unavailable, "no route").with_cause("a cable is cut");
        let error = Error::new(ErrorKind::Configuration, "two mistakes:\n  - `a`\n  - `b`").with_cause(cause);
        let printed = format!("{error:?}");
        assert_eq!(
            printed,
            "Configuration: two mistakes:\n  - `a`\n  - `b`\n  caused by: no route\n  caused by: a cable is cut"
        );
        assert_eq!(format!("{error:#?}"), printed);
        assert_eq!(
            error.chain().to_string(),
            "two mistakes:\n  - `a`\n  - `b`: no route: a cable is cut"
        );
    }

    #[test]
    fn what_a_text_ends_with_is_not_told_again_as_its_cause() {
        let cause = Error::new(ErrorKind::Encode, "no length: a map").with_cause("a map");
        let error = Error::new(ErrorKind::Encode, "it cannot be written: no length: a map").with_cause(cause);
        assert_eq!(
            error.chain().to_string(),
            "it cannot be written: no length: a map"
        );
    }
}

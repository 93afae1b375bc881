//! Why a payload could not be written or read: what the codecs' own errors become on their way to [`Error`].

use std::fmt;

use crate::{Error, ErrorKind};

/// The deepest nesting that is read, as in `serde_json`. In an unoptimised build a level can cost several KiB of stack,
/// so that this many fit into half of a worker thread's 2 MiB.
pub(super) const MAX_DEPTH: u16 = 128;

/// A reason in prose, of our own readers and writers.
#[derive(Debug)]
pub(super) struct Fault(String);

impl Fault {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
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

/// The public error of a value that `codec` could not write.
pub(super) fn encoding(codec: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(
        ErrorKind::Encode,
        format!("the value cannot be written as {codec}: {cause}"),
    )
    .with_cause(cause)
}

/// The public error of a payload that `codec` could not read.
pub(super) fn decoding(codec: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("the payload is not the value's {codec}: {cause}"),
    )
    .with_cause(cause)
}

//! What all codecs have in common: the depth to which they read, and the errors they end in.

use crate::{Error, ErrorKind};

/// The deepest nesting that is read, as in `serde_json`. In an unoptimised build a level can cost several KiB of stack,
/// so that this many fit into half of a worker thread's 2 MiB.
pub(super) const MAX_DEPTH: u16 = 128;

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

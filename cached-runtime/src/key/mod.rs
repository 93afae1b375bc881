//! Keys: what tells two calls apart.
//!
//! A key has two forms. The *text* is what remote tiers, patterns and people see. The *compact* form is what the
//! memory tier hashes and compares: a short byte string, far cheaper to write than text. Within one function two keys
//! have the same compact form if and only if they have the same text, and a [`Template`] turns either into the other.
//!
//! Generated code writes the key arguments into a [`KeyBuf`] on the stack; the tiers take the compact bytes from
//! there, and text is rendered only when something outside this process is asked.
//!
//! ```text
//! arguments --part, arg--> KeyBuf --render--> text     in buf, writer, part, arg, parts; the encoding in compact
//!                          KeyBytes <--parse-- text    in template, with the escaping of one value in text
//! ```
//!
//! Nothing here knows of stores, namespaces or functions.

mod arg;
mod buf;
mod bytes;
mod compact;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
mod glob;
mod hash;
mod mark;
mod number;
mod part;
mod parts;
mod template;
mod text;
mod whole;
mod writer;

pub(crate) use self::bytes::{AT_HAND, KeyBytes, same};
pub(crate) use self::glob::Glob;
pub(crate) use self::hash::hash;
pub(crate) use self::mark::Mark;
pub(crate) use self::number::Number;
pub(crate) use self::template::Template;
pub(crate) use self::text::escape_value;

pub use self::arg::KeyArg;
pub use self::buf::KeyBuf;
pub use self::part::KeyPart;
pub use self::template::Piece;
pub use self::whole::Key;
pub use self::writer::{KeyWriter, Sequence, Written};

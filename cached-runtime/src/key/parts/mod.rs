//! The [`KeyPart`](super::KeyPart)s this crate brings, one file for each kind of type.

#[cfg(any(feature = "chrono", feature = "time"))]
mod dates;
mod ids;
mod lists;
mod numbers;
mod pointers;
mod strings;

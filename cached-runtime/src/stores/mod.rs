//! The stores this crate brings.

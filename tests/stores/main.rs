//! The stores against the laws of the contract, and against what happens to servers.

mod redis;

//! The stores against the laws of the contract, and against what happens to servers.

mod batch;
mod broken;
mod budgets;
mod cluster;
mod healing;
mod laws;
mod looking;
mod memcached;
mod memcached_servers;
mod model;
mod race;
mod redis;
mod sentinel;
mod sql;
mod sql_many;
mod sql_tables;
mod still;

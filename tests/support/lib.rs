//! What the tests share: servers of their own, and ways to hurt them.
//!
//! A server listens on a free port of 127.0.0.1 or on a socket file, keeps its data in a folder of its own, and is
//! ended by its process id when its handle is dropped. Helpers panic: a test that cannot be set up has failed.

mod certificates;
mod database;
mod folder;
mod heard;
mod mariadb_server;
mod memcached_server;
mod owner;
mod postgres_server;
mod process;
mod program;
mod redis_cluster;
mod redis_sentinel;
mod redis_server;
mod seed;
mod source;
mod sqlite_file;
mod tcp_fault;

pub use database::Database;
pub use folder::Folder;
pub use heard::{Heard, Log};
pub use mariadb_server::MariaDbServer;
pub use memcached_server::MemcachedServer;
pub use postgres_server::PostgresServer;
pub use program::run_program;
pub use redis_cluster::RedisCluster;
pub use redis_sentinel::RedisSentinel;
pub use redis_server::{RedisServer, RedisSetup};
pub use seed::seed;
pub use source::{Gate, Source, tier};
pub use sqlite_file::SqliteFile;
pub use tcp_fault::{Fault, FaultProxy};

/// A port of 127.0.0.1 that was free a moment ago. Not one of those that systems give to connections going out, of which
/// the tests make thousands: one of them could have it before the server does.
pub fn free_port() -> u16 {
    loop {
        let port = fastrand::u16(10_000..32_768);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

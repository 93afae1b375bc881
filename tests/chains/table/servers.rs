//! The servers below the table's chains, shared by all cells that run at the time, and the processes that reach them.

use std::sync::{Arc, Weak};
use std::time::Duration;

use cached_runtime::stores::{Null, Redis, Sql};
use cached_runtime::testing::ManualClock;
use cached_runtime::{Caches, CachesBuilder};
use cached_tests::{MariaDbServer, RedisServer};
use tokio::sync::Mutex;

static REDIS: Mutex<Weak<RedisServer>> = Mutex::const_new(Weak::new());
static MYSQL: Mutex<Weak<MariaDbServer>> = Mutex::const_new(Weak::new());

/// Ended by the last cell that holds them.
pub(crate) struct Servers {
    redis: Option<Arc<RedisServer>>,
    mysql: Option<Arc<MariaDbServer>>,
}

impl Servers {
    /// Those of a chain, running.
    pub(crate) async fn of(chain: &[&str]) -> Self {
        Self {
            redis: held(&REDIS, chain.contains(&"redis"), RedisServer::start).await,
            mysql: held(&MYSQL, chain.contains(&"mysql"), MariaDbServer::start).await,
        }
    }

    pub(crate) fn port(&self, store: &str) -> u16 {
        match store {
            "redis" => self.redis.as_ref().unwrap().port(),
            _ => self.mysql.as_ref().unwrap().port(),
        }
    }
}

/// A server that nobody in this cell needs is kept for the next one if it runs, and is not started.
async fn held<S>(running: &Mutex<Weak<S>>, needed: bool, start: impl AsyncFnOnce() -> S) -> Option<Arc<S>> {
    let mut running = running.lock().await;
    let held = running.upgrade();
    if held.is_some() || !needed {
        return held;
    }
    let started = Arc::new(start().await);
    *running = Arc::downgrade(&started);
    Some(started)
}

/// A process that finds its stores at these ports of 127.0.0.1; one that is nowhere keeps nothing.
pub(crate) async fn process(
    namespace: &str,
    clock: &ManualClock,
    port: impl Fn(&str) -> Option<u16>,
) -> CachesBuilder {
    let mut builder = Caches::builder()
        .namespace(namespace)
        .clock(clock)
        // A busy machine is no outage; one that is meant fails at once.
        .time_budget(Duration::from_secs(5))
        .store("second", Null)
        .store("memcached", Null);
    builder = match port("redis") {
        Some(port) => {
            let redis = Redis::connect(format!("redis://127.0.0.1:{port}")).await;
            builder.store("redis", redis.unwrap())
        }
        None => builder.store("redis", Null),
    };
    match port("mysql") {
        Some(port) => {
            let mysql = Sql::connect(format!("mysql://shop:s3cret@127.0.0.1:{port}/shop")).await;
            builder.store("mysql", mysql.unwrap())
        }
        None => builder.store("mysql", Null),
    }
}

//! Random reads and writes of a few keys, by several processes at once, with a truth that lives in a server of its own.
//!
//! A writer counts the truth up, invalidates, and then raises the *floor* of the key to what it wrote: from there on no
//! process may find less than the floor in the shared tier, whoever loaded it. A probe reads the floor first and the
//! entry after it.

use std::time::Duration;

use cached_runtime::{cache, invalidate};
use redis::aio::MultiplexedConnection;
use tokio::time::sleep;

const KEYS: u64 = 4;
const TASKS: u64 = 6;

#[derive(Clone)]
struct Truth(MultiplexedConnection);

impl Truth {
    async fn read(&self, what: &str, id: u64) -> u64 {
        let read: Option<u64> = redis::cmd("GET")
            .arg(format!("{what}:{id}"))
            .query_async(&mut self.0.clone())
            .await
            .unwrap();
        read.unwrap_or(0)
    }

    async fn count_up(&self, id: u64) -> u64 {
        redis::cmd("INCR")
            .arg(format!("truth:{id}"))
            .query_async(&mut self.0.clone())
            .await
            .unwrap()
    }

    async fn raise_floor(&self, id: u64, to: u64) {
        const RAISE: &str = "local now = tonumber(redis.call('GET', KEYS[1]) or '0') \
            if now < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end";
        redis::cmd("EVAL")
            .arg(RAISE)
            .arg(1)
            .arg(format!("floor:{id}"))
            .arg(to)
            .exec_async(&mut self.0.clone())
            .await
            .unwrap();
    }
}

#[cache(key = "far-stock:{id}", ttl = "1h", backend = "redis", skip(truth))]
async fn far_stock(truth: &Truth, id: u64) -> u64 {
    slow_read(truth, id).await
}

#[cache(key = "near-stock:{id}", ttl = "1h", backend = ["local", "redis"], skip(truth))]
async fn near_stock(truth: &Truth, id: u64) -> u64 {
    slow_read(truth, id).await
}

/// The answer is on its way for a while, in which it grows old.
async fn slow_read(truth: &Truth, id: u64) -> u64 {
    let value = truth.read("truth", id).await;
    sleep(Duration::from_micros(fastrand::u64(0..3_000))).await;
    value
}

#[invalidate(far_stock(id), near_stock(id))]
async fn restock(truth: &Truth, id: u64) -> u64 {
    truth.count_up(id).await
}

#[derive(Default)]
struct Seen {
    probes: u64,
    stale: u64,
    own: u64,
    own_stale: u64,
}

/// `rounds` steps in each of several tasks; says what was seen.
pub(crate) async fn run(truth: &str, seed: u64, rounds: u64) -> String {
    let client = redis::Client::open(truth).unwrap();
    let truth = Truth(client.get_multiplexed_async_connection().await.unwrap());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(steps(truth.clone(), seed.wrapping_add(task), rounds)))
        .collect();
    let mut all = Seen::default();
    for task in tasks {
        let seen = task.await.unwrap();
        all.probes += seen.probes;
        all.stale += seen.stale;
        all.own += seen.own;
        all.own_stale += seen.own_stale;
    }
    let tier = |tiers: &[cached_runtime::TierStats]| (tiers[0].hits, tiers[0].refused);
    let (hits, refused) = tier(&far_stock_cache().stats().tiers);
    let Seen {
        probes,
        stale,
        own,
        own_stale,
    } = all;
    format!("probes {probes} stale {stale} own {own} own_stale {own_stale} hits {hits} refused {refused}")
}

async fn steps(truth: Truth, seed: u64, rounds: u64) -> Seen {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut seen = Seen::default();
    for _ in 0..rounds {
        let id = random.u64(0..KEYS);
        match random.u8(0..10) {
            0..4 => {
                far_stock(&truth, id).await;
                near_stock(&truth, id).await;
            }
            4..8 => {
                let floor = truth.read("floor", id).await;
                if let Some(found) = far_stock_entry(id).get().await.unwrap() {
                    seen.probes += 1;
                    seen.stale += u64::from(found < floor);
                }
            }
            _ => {
                let written = restock(&truth, id).await;
                truth.raise_floor(id, written).await;
                // What this process has invalidated itself it must not see again, in any tier.
                for found in [far_stock(&truth, id).await, near_stock(&truth, id).await] {
                    seen.own += 1;
                    seen.own_stale += u64::from(found < written);
                }
            }
        }
        sleep(Duration::from_micros(random.u64(0..500))).await;
    }
    seen
}

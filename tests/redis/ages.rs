//! Entries that age, in memory over Redis and in Redis alone: what one process has loaded anew serves the others, what is
//! stale is served by all of them, and what is read anywhere stays everywhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, SystemTime};

use cached_runtime::testing::ManualClock;
use cached_runtime::{Caches, cache};
use cached_tests::RedisServer;
use redis::AsyncCommands;

use crate::setup::{Gate, Source, builder, caches, raw};

const SECOND: Duration = Duration::from_secs(1);

#[cache(key = "fresh_ages:{_id}", ttl = "100s", refresh = "80%", backend = ["local", "redis"], skip(source))]
async fn fresh(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "young_ages:{_id}", refresh = "40ms", backend = "redis", skip(source))]
async fn young(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "stale_ages:{_id}", ttl = "200ms", stale = "1h", backend = ["local", "redis"], skip(gate))]
async fn stale(gate: &Arc<Gate>, _id: u64) -> u64 {
    gate.load().await
}

#[cache(
    key = "short_ages:{_id}",
    ttl = "50ms",
    stale = "1h",
    backend = ["local", "redis"],
    tier("local", ttl = "10s"),
    skip(gate)
)]
async fn short(gate: &Arc<Gate>, _id: u64) -> u64 {
    gate.load().await
}

#[cache(key = "idle_ages:{_id}", idle = "100s", backend = ["local", "redis"], skip(source))]
async fn idle(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "below_ages:{_id}",
    idle = "100s",
    ttl = "150s",
    backend = "redis",
    skip(source)
)]
async fn below(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "brief_ages:{_id}",
    idle = "100s",
    ttl = "150s",
    backend = ["local", "redis"],
    tier("local", ttl = "1s"),
    tier("redis", ttl = "30s"),
    skip(source)
)]
async fn brief(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "until_ages:{_id}",
    expires = |_| SystemTime::now() + Duration::from_secs(100),
    backend = ["local", "redis"],
    skip(source)
)]
async fn until(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[derive(Default)]
struct Failing {
    fails: AtomicBool,
    loads: AtomicU64,
}

impl Failing {
    async fn load(&self) -> Result<u64, String> {
        let load = self.loads.fetch_add(1, SeqCst);
        if self.fails.load(SeqCst) {
            // Ten times as long is it left alone.
            tokio::time::sleep(Duration::from_millis(200)).await;
            return Err("fails".to_owned());
        }
        Ok(load)
    }

    fn loads(&self) -> u64 {
        self.loads.load(SeqCst)
    }
}

#[cache(key = "failing_ages:{_id}", refresh = "40ms", backend = "redis", skip(source))]
async fn failing(source: &Arc<Failing>, _id: u64) -> Result<u64, String> {
    source.load().await
}

#[cache(
    key = "failing_above_ages:{_id}",
    refresh = "40ms",
    backend = ["local", "redis"],
    tier("local", ttl = "1s"),
    skip(source)
)]
async fn failing_above(source: &Arc<Failing>, _id: u64) -> Result<u64, String> {
    source.load().await
}

async fn process(server: &RedisServer) -> (Caches, ManualClock) {
    let clock = ManualClock::new();
    (builder(server).await.clock(&clock).build().unwrap(), clock)
}

async fn left(server: &RedisServer, key: &str) -> Duration {
    let left: i64 = raw(server).await.pttl(format!("shop:{key}")).await.unwrap();
    Duration::from_millis(u64::try_from(left).unwrap())
}

fn about(left: Duration, expected: Duration) {
    assert!(
        left <= expected && left + 10 * SECOND > expected,
        "{left:?}, not {expected:?}"
    );
}

/// Two processes whose memory is due at the same time: one runs the body, the other takes what that has stored.
#[tokio::test]
async fn what_another_process_has_loaded_anew_is_taken_over() {
    let server = RedisServer::start().await;
    let source = Arc::new(Source::of(1));
    let (one, clock) = process(&server).await;
    let (other, its_clock) = process(&server).await;
    one.scope(fresh(&source, 1)).await;
    other.scope(fresh(&source, 1)).await;
    source.set(2);
    clock.advance(90 * SECOND);
    its_clock.advance(90 * SECOND);
    // Redis has its own time, in which the entry is new: nothing is run, and memory trusts it for as long again.
    assert_eq!(one.scope(fresh(&source, 1)).await, 1);
    one.settle().await;
    assert_eq!((one.scope(fresh(&source, 1)).await, source.loads()), (1, 1));
    // Gone there, it is loaded; the other takes that.
    let _: () = raw(&server).await.del("shop:fresh_ages:1").await.unwrap();
    clock.advance(90 * SECOND);
    assert_eq!(one.scope(fresh(&source, 1)).await, 1);
    one.settle().await;
    assert_eq!((one.scope(fresh(&source, 1)).await, source.loads()), (2, 2));
    assert_eq!(other.scope(fresh(&source, 1)).await, 1);
    other.settle().await;
    assert_eq!((other.scope(fresh(&source, 1)).await, source.loads()), (2, 2));
}

/// The age that an entry has in Redis counts, whoever put it there.
#[tokio::test]
async fn a_hit_in_redis_alone_is_loaded_anew() {
    let server = RedisServer::start().await;
    let source = Arc::new(Source::of(1));
    let (one, other) = (caches(&server).await, caches(&server).await);
    one.scope(young(&source, 1)).await;
    source.set(2);
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(other.scope(young(&source, 1)).await, 1);
    other.settle().await;
    assert_eq!(one.scope(young(&source, 1)).await, 2);
}

/// No record in memory says that loading it anew has just failed.
#[tokio::test]
async fn a_source_that_fails_is_left_alone_by_hits_in_redis_alone() {
    let server = RedisServer::start().await;
    let source = Arc::new(Failing::default());
    let caches = caches(&server).await;
    caches.scope(failing(&source, 1)).await.unwrap();
    source.fails.store(true, SeqCst);
    tokio::time::sleep(Duration::from_millis(60)).await;
    for _ in 0..5 {
        assert_eq!(caches.scope(failing(&source, 1)).await, Ok(0));
        caches.settle().await;
    }
    assert_eq!(source.loads(), 2);
}

/// The record in memory that says so ends before that does.
#[tokio::test]
async fn a_source_that_fails_is_left_alone_for_longer_than_memory_keeps_a_record() {
    let server = RedisServer::start().await;
    let source = Arc::new(Failing::default());
    let (caches, clock) = process(&server).await;
    caches.scope(failing_above(&source, 1)).await.unwrap();
    caches.settle().await;
    source.fails.store(true, SeqCst);
    // Due in Redis, which has its own time.
    tokio::time::sleep(Duration::from_millis(60)).await;
    for (later, loads) in [(1_100, 2), (1_100, 2), (600, 2), (60_000, 3)] {
        clock.advance(Duration::from_millis(later));
        assert_eq!(caches.scope(failing_above(&source, 1)).await, Ok(0));
        caches.settle().await;
        assert_eq!(source.loads(), loads, "{later}");
    }
    // What a writer has put is no longer what could not be loaded anew.
    let entry = caches.scope(async { failing_above_entry(1).insert(7).await });
    entry.await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    clock.advance(Duration::from_millis(1_100));
    assert_eq!(caches.scope(failing_above(&source, 1)).await, Ok(7));
    caches.settle().await;
    assert_eq!(source.loads(), 4);
}

/// The new process has nothing in memory: Redis gives it the old value at once, and it loads the new one.
#[tokio::test]
async fn what_is_stale_in_redis_is_served_and_loaded_anew() {
    let server = RedisServer::start().await;
    let gate = Arc::new(Gate::of(1));
    let (one, other) = (caches(&server).await, caches(&server).await);
    gate.open();
    one.scope(stale(&gate, 1)).await;
    gate.begun().await;
    one.settle().await;
    about(
        left(&server, "stale_ages:1").await,
        Duration::from_millis(3_600_200),
    );
    tokio::time::sleep(Duration::from_millis(250)).await;
    other
        .scope(async {
            assert_eq!(stale(&gate, 1).await, 1);
            assert_eq!(
                stale_entry(1).remaining_ttl().await.unwrap(),
                Some(Duration::ZERO)
            );
            gate.begun().await;
            for _ in 0..10 {
                assert_eq!(stale(&gate, 1).await, 1);
            }
            gate.open();
            other.settle().await;
            assert!(stale_entry(1).remaining_ttl().await.unwrap() > Some(Duration::ZERO));
            assert_eq!((gate.loads(), stale_cache().stats().reloads), (2, 1));
        })
        .await;
}

/// It serves what is stale, whatever a load in the background is waiting for.
#[tokio::test]
async fn nobody_waits_for_a_load_in_the_background_while_redis_has_an_entry() {
    let server = RedisServer::start().await;
    let gate = Arc::new(Gate::of(1));
    let (caches, clock) = process(&server).await;
    let work = async {
        gate.open();
        let first = short(&gate, 1).await;
        gate.begun().await;
        caches.settle().await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        clock.advance(SECOND);
        assert_eq!(short(&gate, 1).await, first);
        gate.begun().await;
        for _ in 0..3 {
            // What memory had is gone, and the load still hangs.
            clock.advance(11 * SECOND);
            let served = tokio::time::timeout(10 * SECOND, short(&gate, 1)).await;
            assert_eq!(served, Ok(first));
        }
        assert_eq!((gate.loads(), short_cache().stats().reloads), (2, 1));
        gate.open();
        caches.settle().await;
    };
    caches.scope(work).await;
}

#[tokio::test]
async fn what_is_read_in_memory_stays_in_redis() {
    let server = RedisServer::start().await;
    let source = Arc::new(Source::of(1));
    let (one, clock) = process(&server).await;
    one.scope(idle(&source, 1)).await;
    one.settle().await;
    about(left(&server, "idle_ages:1").await, 100 * SECOND);
    let mut raw = raw(&server).await;
    let _: bool = raw.pexpire("shop:idle_ages:1", 20_000).await.unwrap();
    // A read soon after the last is not worth telling.
    clock.advance(24 * SECOND);
    one.scope(idle(&source, 1)).await;
    one.settle().await;
    about(left(&server, "idle_ages:1").await, 20 * SECOND);
    clock.advance(SECOND);
    one.scope(idle(&source, 1)).await;
    one.settle().await;
    about(left(&server, "idle_ages:1").await, 100 * SECOND);
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn what_is_read_in_redis_stays_there_within_its_ttl() {
    let server = RedisServer::start().await;
    let source = Arc::new(Source::of(1));
    let one = caches(&server).await;
    one.scope(below(&source, 1)).await;
    about(left(&server, "below_ages:1").await, 100 * SECOND);
    let mut raw = raw(&server).await;
    let _: bool = raw.pexpire("shop:below_ages:1", 20_000).await.unwrap();
    one.scope(below(&source, 1)).await;
    one.settle().await;
    about(left(&server, "below_ages:1").await, 100 * SECOND);
    assert_eq!(source.loads(), 1);
}

/// Where a tier keeps nothing for longer than that anyway, reads have nothing to keep there.
#[tokio::test]
async fn what_is_read_does_not_outlive_the_ttl_of_a_tier() {
    let server = RedisServer::start().await;
    let source = Arc::new(Source::of(1));
    let (caches, clock) = process(&server).await;
    let work = async {
        for _ in 0..3 {
            assert_eq!(brief(&source, 1).await, 1);
            caches.settle().await;
            about(left(&server, "brief_ages:1").await, 30 * SECOND);
            clock.advance(2 * SECOND);
        }
    };
    caches.scope(work).await;
}

#[tokio::test]
async fn what_names_its_end_ends_then_in_every_tier() {
    let server = RedisServer::start().await;
    let source = Arc::new(Source::of(1));
    let one = caches(&server).await;
    one.scope(until(&source, 1)).await;
    one.settle().await;
    about(left(&server, "until_ages:1").await, 100 * SECOND);
    one.scope(async {
        about(
            until_entry(1).remaining_ttl().await.unwrap().unwrap(),
            100 * SECOND,
        )
    })
    .await;
}

macro_rules! always_due {
    ($name:ident, $chain:expr) => {
        #[cache(ttl = "50ms", refresh = "1%", stale = "1h", backend = $chain, skip(source))]
        async fn $name(source: &Arc<AtomicU64>, id: u64) -> u64 {
            let value = source.load(SeqCst);
            for _ in 0..fastrand::u8(..4) {
                tokio::task::yield_now().await;
            }
            value + id
        }
    };
}

always_due!(due_in_redis, "redis");
always_due!(due_in_both, ["local", "redis"]);

macro_rules! hammer {
    ($caches:expr, $name:ident, $entry:ident) => {{
        let (source, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (source, stop) = (Arc::clone(&source), Arc::clone(&stop));
                tokio::spawn($caches.scope(async move {
                    while !stop.load(SeqCst) {
                        $name(&source, 0).await;
                        // A hit in memory never waits, and others have to run too.
                        tokio::task::yield_now().await;
                    }
                }))
            })
            .collect();
        let work = async {
            for version in 1..200 {
                source.store(version, SeqCst);
                if version % 2 == 0 {
                    $entry(0).invalidate().await.unwrap();
                } else {
                    $entry(0).insert(version).await.unwrap();
                }
                for _ in 0..8 {
                    assert_eq!($name(&source, 0).await, version);
                }
            }
        };
        $caches.scope(work).await;
        stop.store(true, SeqCst);
        for reader in readers {
            reader.await.unwrap();
        }
        $caches.settle().await;
    }};
}

/// Loads in the background are always under way, and fill nothing that is older than an invalidation or a put.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_old_is_seen_whatever_is_under_way() {
    let server = RedisServer::start().await;
    let caches = caches(&server).await;
    hammer!(caches, due_in_redis, due_in_redis_entry);
    hammer!(caches, due_in_both, due_in_both_entry);
    let stats = caches.scope(async { due_in_redis_cache().stats() }).await;
    assert!(stats.reloads > 50, "{stats:?}");
}

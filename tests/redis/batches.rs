//! Batches over memory and Redis: how often they ask, what they store, and what they do when something is wrong.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cached_runtime::{BoxFuture, Caches, Error, ErrorKind, Mode, cache, with_mode};
use cached_tests::RedisServer;
use tokio::sync::{Notify, Semaphore};

use crate::hooked::Hooked;
use crate::setup::{builder, caches, connect, on, raw, tier};

/// The source: what it says of each id, and how it was asked.
#[derive(Default)]
struct Table {
    runs: Mutex<Vec<Vec<u64>>>,
    alone: Mutex<Vec<u64>>,
    changed: AtomicBool,
    /// Bodies wait here, if anybody says so.
    gate: Option<Semaphore>,
    begun: Notify,
}

impl Table {
    fn gated() -> Self {
        Self {
            gate: Some(Semaphore::new(0)),
            ..Self::default()
        }
    }

    async fn pass(&self) {
        self.begun.notify_one();
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
    }

    fn open(&self) {
        self.gate.as_ref().unwrap().add_permits(1);
    }

    fn value(&self, id: u64) -> Option<String> {
        let version = if self.changed.load(SeqCst) { "new" } else { "old" };
        (id % 1000 != 13).then(|| format!("{version} {id}"))
    }

    async fn one(&self, id: u64) -> Option<String> {
        self.alone.lock().unwrap().push(id);
        let value = self.value(id);
        self.pass().await;
        value
    }

    async fn many(&self, ids: &[u64]) -> HashMap<u64, String> {
        self.runs.lock().unwrap().push(ids.to_vec());
        let values = ids
            .iter()
            .filter_map(|id| Some((*id, self.value(*id)?)))
            .collect();
        self.pass().await;
        values
    }

    fn runs(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut self.runs.lock().unwrap())
    }
}

#[cache(key = "row:{id}", ttl = "1h", none_ttl = "1m", backend = ["local", "redis"], skip(table))]
async fn row(table: &Table, id: u64) -> Option<String> {
    table.one(id).await
}

#[cache(entries(row(id) for id in ids), skip(table))]
async fn rows(table: &Table, ids: &[u64]) -> HashMap<u64, String> {
    table.many(ids).await
}

#[cache(key = "twice:{id}", ttl = "1h", backend = ["redis", "second"], skip(table))]
async fn twice(table: &Table, id: u64) -> Option<String> {
    table.one(id).await
}

#[cache(entries(twice(id) for id in ids), skip(table))]
async fn twices(table: &Table, ids: &[u64]) -> HashMap<u64, String> {
    table.many(ids).await
}

fn answer(table: &Table, ids: &[u64]) -> HashMap<u64, String> {
    ids.iter()
        .filter_map(|id| Some((*id, table.value(*id)?)))
        .collect()
}

/// Calls of each command since the last time.
async fn commands(server: &RedisServer) -> HashMap<String, u64> {
    let stats: String = server.cli(&["INFO", "commandstats"]).await;
    let _: String = server.cli(&["CONFIG", "RESETSTAT"]).await;
    let calls = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls = rest.split(',').next()?.parse().ok()?;
        Some((name.to_owned(), calls))
    });
    calls.collect()
}

/// Scripts run: what a batch asks Redis.
async fn scripts(server: &RedisServer) -> u64 {
    let commands = commands(server).await;
    let calls = |name: &str| commands.get(name).copied().unwrap_or(0);
    calls("eval") + calls("evalsha")
}

#[tokio::test]
async fn a_thousand_ids_are_one_look_up_one_run_and_one_fill() {
    let server = RedisServer::start().await;
    let (first, table) = (caches(&server).await, Table::default());
    let known: Vec<u64> = (0..900).collect();
    assert_eq!(first.scope(rows(&table, &known)).await, answer(&table, &known));
    assert_eq!(table.runs(), [known]);
    first.settle().await;
    // Another process, which has nothing in memory. Its first request may be told that there is no such script.
    let second = caches(&server).await;
    second.scope(rows(&table, &[5000])).await;
    table.runs();
    commands(&server).await;
    let ids: Vec<u64> = (0..1000).collect();
    assert_eq!(second.scope(rows(&table, &ids)).await, answer(&table, &ids));
    assert_eq!(table.runs(), [(900..1000).collect::<Vec<_>>()]);
    assert_eq!(scripts(&server).await, 2, "one look-up and one fill");
    // Now memory has all of them, and the first process what the second has loaded.
    assert_eq!(second.scope(rows(&table, &ids)).await, answer(&table, &ids));
    assert_eq!(scripts(&server).await, 0);
    assert_eq!(first.scope(rows(&table, &ids)).await, answer(&table, &ids));
    assert_eq!(scripts(&server).await, 1);
    assert_eq!(table.runs().len(), 0);
    let stats = second.scope(async { row_cache().stats() }).await;
    let (memory, redis) = (tier(&stats, "local"), tier(&stats, "redis"));
    assert_eq!((memory.hits, memory.misses), (1000, 1001));
    assert_eq!((redis.hits, redis.misses), (900, 101));
    assert_eq!((stats.loads, stats.misses, stats.hits), (101, 101, 1900));
    // Single calls find them too, and that there is none.
    assert_eq!(second.scope(row(&table, 13)).await, None);
    assert_eq!(table.alone.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_batch_of_more_than_a_request_takes() {
    let server = RedisServer::unix().await;
    let (caches, table) = (caches(&server).await, Table::default());
    caches.scope(rows(&table, &[1])).await;
    table.runs();
    commands(&server).await;
    let ids: Vec<u64> = (0..20_000).collect();
    assert_eq!(caches.scope(rows(&table, &ids)).await.len(), 20_000 - 20);
    assert_eq!(table.runs()[0].len(), 19_999);
    caches.settle().await;
    let asked = scripts(&server).await;
    assert!(asked <= 20 + 40, "{asked}");
    // Of which memory keeps the half.
    let begun = Instant::now();
    assert_eq!(caches.scope(rows(&table, &ids)).await.len(), 20_000 - 20);
    assert_eq!(table.runs().len(), 0);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// Whoever asks, and for how many at once: each id is loaded once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_batches_and_single_calls_at_once() {
    let server = RedisServer::start().await;
    let caches = caches(&server).await;
    for round in 0..5_u64 {
        let table = Arc::new(Table::default());
        let base = round * 100_000;
        let mut calls = tokio::task::JoinSet::new();
        for caller in 0..100 {
            let (caches, table) = (caches.clone(), Arc::clone(&table));
            calls.spawn(async move {
                let first = base + caller * 7 % 60;
                if caller % 3 == 0 {
                    let one = caches.scope(row(&table, first)).await;
                    assert_eq!(one, table.value(first));
                } else {
                    let mut ids: Vec<u64> = (first..first + 40).collect();
                    if caller % 2 == 0 {
                        ids.reverse();
                    }
                    let map = caches.scope(rows(&table, &ids)).await;
                    assert_eq!(map, answer(&table, &ids));
                }
            });
        }
        calls.join_all().await;
        let mut loaded = table.runs().concat();
        loaded.extend(&*table.alone.lock().unwrap());
        loaded.sort_unstable();
        assert_eq!(loaded, (base..base + 99).collect::<Vec<_>>(), "round {round}");
    }
}

/// By another process: Redis takes nothing that was read before.
#[tokio::test]
async fn an_invalidation_revokes_the_fills_of_a_batch() {
    let server = RedisServer::start().await;
    let (here, there) = (caches(&server).await, caches(&server).await);
    let table = Arc::new(Table::gated());
    let batch = tokio::spawn({
        let (here, table) = (here.clone(), Arc::clone(&table));
        async move { here.scope(rows(&table, &[1, 2, 13])).await }
    });
    table.begun.notified().await;
    table.changed.store(true, SeqCst);
    for id in [1, 13] {
        there
            .scope(async { row_entry(id).invalidate().await })
            .await
            .unwrap();
    }
    table.open();
    assert_eq!(batch.await.unwrap()[&1], "old 1");
    let table = Table {
        changed: AtomicBool::new(true),
        ..Table::default()
    };
    let map = there.scope(rows(&table, &[1, 2, 13])).await;
    assert_eq!((&*map[&1], &*map[&2]), ("new 1", "old 2"));
    assert_eq!(table.runs(), [[1, 13]]);
    let stats = here.scope(async { row_cache().stats() }).await;
    assert_eq!(tier(&stats, "redis").refused, 2);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_loaded_and_replaced() {
    let server = RedisServer::start().await;
    let (first, second, table) = (caches(&server).await, caches(&server).await, Table::default());
    first.scope(rows(&table, &[1, 2, 3])).await;
    table.runs();
    let _: () = server.cli(&["SET", "shop:row:2", "nonsense"]).await;
    let _: () = server.cli(&["DEL", "shop:row:3"]).await;
    let _: i64 = server.cli(&["RPUSH", "shop:row:3", "a list"]).await;
    assert_eq!(second.scope(rows(&table, &[1, 2, 3])).await.len(), 3);
    assert_eq!(table.runs(), [[2, 3]]);
    let stats = second.scope(async { row_cache().stats() }).await;
    assert_eq!(
        (tier(&stats, "redis").rejected, tier(&stats, "redis").refused),
        (2, 0)
    );
    let third = caches(&server).await;
    third.scope(rows(&table, &[1, 2, 3])).await;
    assert_eq!(table.runs().len(), 0);
}

#[tokio::test]
async fn what_is_found_below_is_copied_up_for_the_life_it_has_left() {
    let server = RedisServer::start().await;
    let (first, table) = (caches(&server).await, Table::default());
    first.scope(rows(&table, &[1, 2])).await;
    let _: i64 = server.cli(&["PEXPIRE", "shop:row:2", "20000"]).await;
    let second = caches(&server).await;
    second.scope(rows(&table, &[1, 2])).await;
    assert_eq!(table.runs().len(), 1);
    let left = |id| second.scope(async move { row_entry(id).remaining_ttl().await.unwrap().unwrap() });
    assert!(left(1).await > Duration::from_secs(3500));
    assert!(left(2).await <= Duration::from_secs(20));
    // And from one server to the other above it.
    let above = RedisServer::start().await;
    let below = RedisServer::start().await;
    let two = || async {
        Caches::builder()
            .namespace("shop")
            .store("redis", connect(&above).await)
            .store("second", connect(&below).await)
            .build()
            .unwrap()
    };
    two().await.scope(twices(&table, &[1, 2, 3])).await;
    let _: i64 = above.cli(&["DEL", "shop:twice:1", "shop:twice:3"]).await;
    let _: i64 = below.cli(&["PEXPIRE", "shop:twice:3", "20000"]).await;
    table.runs();
    let caches = two().await;
    assert_eq!(caches.scope(twices(&table, &[1, 2, 3, 4])).await.len(), 4);
    assert_eq!(table.runs(), [[4]]);
    caches.settle().await;
    assert_eq!(
        above
            .cli::<i64>(&["EXISTS", "shop:twice:1", "shop:twice:4"])
            .await,
        2
    );
    let left: i64 = above.cli(&["PTTL", "shop:twice:3"]).await;
    assert!((1..=20_000).contains(&left), "{left}");
    assert_eq!(caches.scope(twice(&table, 4)).await, table.value(4));
    let stats = caches.scope(async { twice_cache().stats() }).await;
    assert_eq!((tier(&stats, "redis").hits, tier(&stats, "second").hits), (2, 2));
}

#[tokio::test]
async fn a_refresh_replaces_in_every_tier() {
    let server = RedisServer::start().await;
    let (here, there, table) = (caches(&server).await, caches(&server).await, Table::default());
    let ids: Vec<u64> = (0..200).collect();
    here.scope(rows(&table, &ids)).await;
    table.changed.store(true, SeqCst);
    table.runs();
    let fresh = here.scope(with_mode(Mode::Refresh, rows(&table, &ids))).await;
    assert_eq!(fresh[&7], "new 7");
    assert_eq!(table.runs(), std::slice::from_ref(&ids));
    assert_eq!(here.scope(row(&table, 7)).await.unwrap(), "new 7");
    assert_eq!(there.scope(rows(&table, &ids)).await, fresh);
    assert_eq!(table.runs().len(), 0);
}

#[tokio::test]
async fn a_silent_server_costs_a_batch_what_it_costs_a_call() {
    const BUDGET: Duration = Duration::from_millis(250);
    let server = RedisServer::start().await;
    let caches = builder(&server).await.time_budget(BUDGET).build().unwrap();
    let table = Table::default();
    caches.scope(rows(&table, &[1])).await;
    table.runs();
    server.pause();
    let ids: Vec<u64> = (0..5000).collect();
    let begun = Instant::now();
    assert_eq!(caches.scope(rows(&table, &ids)).await.len(), 4995);
    assert!(begun.elapsed() < BUDGET * 4, "{:?}", begun.elapsed());
    assert_eq!(table.runs()[0].len(), 4999);
    let stats = caches.stats();
    assert_eq!(
        stats.stores[0].failures, 1,
        "one request was made, and not one for each"
    );
    server.resume();
}

/// Removals that are queued are heeded key by key.
#[tokio::test]
async fn what_is_yet_to_be_removed_is_not_read() {
    let server = RedisServer::start().await;
    let deaf = Arc::new(AtomicBool::new(false));
    let ear = Arc::clone(&deaf);
    let hears = move || -> BoxFuture<'static, Result<(), Error>> {
        let outcome = if ear.load(SeqCst) {
            Err(Error::new(ErrorKind::Unavailable, "it does not hear"))
        } else {
            Ok(())
        };
        Box::pin(std::future::ready(outcome))
    };
    let caches = on(Hooked::new(connect(&server).await, hears)).build().unwrap();
    let table = Table::default();
    caches.scope(rows(&table, &[1, 2, 3])).await;
    table.runs();
    table.changed.store(true, SeqCst);
    deaf.store(true, SeqCst);
    caches
        .scope(async {
            row_entry(2).invalidate().await.unwrap();
            // From Redis, which is read for the others.
            let map = rows(&table, &[3, 2, 1]).await;
            assert_eq!((&*map[&1], &*map[&2], &*map[&3]), ("old 1", "new 2", "old 3"));
        })
        .await;
    assert_eq!(table.runs(), [[2]]);
    let there: i64 = server.cli(&["EXISTS", "shop:row:2"]).await;
    assert_eq!(there, 1, "else this shows nothing");
}

/// Where memory is short each fill is refused for itself, and the call succeeds.
#[tokio::test]
async fn a_server_without_memory() {
    let server = RedisServer::start().await;
    let (caches, table) = (caches(&server).await, Table::default());
    caches.scope(rows(&table, &[1])).await;
    let _: String = server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let map = caches.scope(rows(&table, &[1, 2, 3])).await;
    assert_eq!(map, answer(&table, &[1, 2, 3]));
    assert_eq!(caches.scope(rows(&table, &[1, 2, 3])).await.len(), 3);
    assert_eq!(table.runs(), [vec![1], vec![2, 3]]);
    let mut raw = raw(&server).await;
    let keys: i64 = redis::cmd("DBSIZE").query_async(&mut raw).await.unwrap();
    assert!(keys >= 1);
}

/// Another process asks for the same at the same moment.
#[tokio::test]
async fn two_processes() {
    let server = RedisServer::start().await;
    let table = Arc::new(Table::default());
    let ids: Vec<u64> = (0..300).collect();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (caches, table, ids) = (caches(&server).await, Arc::clone(&table), ids.clone());
        calls.spawn(async move { in_process(&caches, &table, &ids).await });
    }
    calls.join_all().await;
}

async fn in_process(caches: &Caches, table: &Table, ids: &[u64]) {
    for part in ids.chunks(30) {
        assert_eq!(caches.scope(rows(table, part)).await, answer(table, part));
    }
    assert_eq!(caches.scope(rows(table, ids)).await, answer(table, ids));
}

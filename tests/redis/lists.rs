//! Writers of lists on a server that other processes use, and that may be away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cached_runtime::{Caches, cache, update};
use cached_tests::RedisServer;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::setup::{builder, caches};

const BUDGET: Duration = Duration::from_millis(250);

/// The source; whoever loads or writes may be made to wait in the middle of it.
struct Table {
    rows: Mutex<HashMap<u64, u64>>,
    loads: Mutex<Vec<u64>>,
    statements: Mutex<Vec<usize>>,
    reads: Semaphore,
    writes: Semaphore,
    begun: Semaphore,
}

impl Table {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            rows: Mutex::default(),
            loads: Mutex::default(),
            statements: Mutex::default(),
            reads: Semaphore::new(Semaphore::MAX_PERMITS),
            writes: Semaphore::new(Semaphore::MAX_PERMITS),
            begun: Semaphore::new(0),
        })
    }

    async fn pass(&self, gate: &Semaphore) {
        self.begun.add_permits(1);
        let _ = gate.acquire().await.unwrap();
    }

    async fn began(&self) {
        self.begun.acquire().await.unwrap().forget();
    }

    async fn load(&self, id: u64) -> u64 {
        self.loads.lock().unwrap().push(id);
        let value = self.rows.lock().unwrap().get(&id).copied().unwrap_or(0);
        self.pass(&self.reads).await;
        value
    }

    async fn write(&self, rows: &[(u64, u64)]) {
        self.statements.lock().unwrap().push(rows.len());
        self.rows.lock().unwrap().extend(rows.iter().copied());
        self.pass(&self.writes).await;
    }

    fn loads(&self) -> usize {
        std::mem::take(&mut *self.loads.lock().unwrap()).len()
    }
}

fn close(gate: &Semaphore) {
    gate.forget_permits(Semaphore::MAX_PERMITS);
}

fn open(gate: &Semaphore) {
    gate.add_permits(Semaphore::MAX_PERMITS - gate.available_permits());
}

fn rows(ids: impl IntoIterator<Item = u64>, value: u64) -> Vec<(u64, u64)> {
    ids.into_iter().map(|id| (id, value)).collect()
}

#[cache(key = "l:t:{id}", strategy = "write_through", ttl = "1h", backend = ["local", "redis"], skip(table))]
async fn through(table: &Table, id: u64) -> u64 {
    table.load(id).await
}

#[update(entries(through(row.0) = row.1 for row in rows))]
async fn save(table: &Table, rows: &[(u64, u64)]) {
    table.write(rows).await;
}

#[update(through(id) = value)]
async fn save_one(table: &Table, id: u64, value: u64) {
    table.rows.lock().unwrap().insert(id, value);
}

#[cache(key = "l:a:{id}", ttl = "1h", backend = ["local", "redis"], skip(table))]
async fn aside(table: &Table, id: u64) -> u64 {
    table.load(id).await
}

#[update(entries(aside(row.0) = row.1 for row in rows))]
async fn save_aside(table: &Table, rows: &[(u64, u64)]) {
    table.write(rows).await;
}

#[cache(key = "l:b:{id}", strategy = "write_behind", ttl = "1h", backend = ["local", "redis"], skip(table))]
async fn behind(table: &Table, id: u64) -> u64 {
    table.load(id).await
}

#[update(entries(behind(row.0) = row.1 for row in rows), strategy = "write_behind", batch = 500)]
async fn save_later(table: &Arc<Table>, rows: Vec<(u64, u64)>) {
    table.write(&rows).await;
}

async fn kept(caches: &Caches, id: u64) -> Option<u64> {
    caches
        .scope(async { through_entry(id).get().await.unwrap() })
        .await
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

#[tokio::test]
async fn another_process_has_all_of_them_without_a_load() {
    let server = RedisServer::start().await;
    let table = Table::new();
    let [here, there] = [caches(&server).await, caches(&server).await];
    // Scripts are there, and what is replaced.
    here.scope(save(&table, &rows(0..10, 1))).await;
    commands(&server).await;
    here.scope(save(&table, &rows(0..1_000, 2))).await;
    println!("1,000 put: {:?}", commands(&server).await);
    for id in [0, 9, 10, 999] {
        assert_eq!(there.scope(through(&table, id)).await, 2);
        assert_eq!(here.scope(through(&table, id)).await, 2);
    }
    assert_eq!(table.loads(), 0);
    let life: i64 = server.cli(&["PTTL", "shop:l:t:999"]).await;
    assert!((3_500_000..=3_600_000).contains(&life), "{life}");
}

#[tokio::test]
async fn all_are_removed_in_one_request() {
    let server = RedisServer::start().await;
    let table = Table::new();
    let [here, there] = [caches(&server).await, caches(&server).await];
    for id in 0..100 {
        here.scope(aside(&table, id)).await;
    }
    here.settle().await;
    here.scope(save_aside(&table, &rows(0..1, 1))).await;
    let before: u64 = server.cli(&["DBSIZE"]).await;
    commands(&server).await;
    here.scope(save_aside(&table, &rows(0..90, 1))).await;
    let commands = commands(&server).await;
    let scripts: u64 = ["eval", "evalsha"]
        .iter()
        .filter_map(|name| commands.get(*name))
        .sum();
    assert!(scripts <= 1, "{commands:?}");
    assert!(before > 90, "{before}");
    table.loads();
    assert_eq!(there.scope(aside(&table, 5)).await, 1);
    assert_eq!(there.scope(aside(&table, 95)).await, 0);
    assert_eq!(table.loads(), 1);
}

#[tokio::test]
async fn what_another_process_writes_meanwhile_is_removed_and_nothing_else() {
    let server = RedisServer::start().await;
    let table = Table::new();
    let [here, there] = [caches(&server).await, caches(&server).await];
    close(&table.writes);
    let long = tokio::spawn({
        let (here, table) = (here.clone(), Arc::clone(&table));
        async move { here.scope(save(&table, &rows(0..10, 1))).await }
    });
    table.began().await;
    there.scope(save_one(&table, 3, 2)).await;
    there
        .scope(async { through_entry(4).invalidate().await.unwrap() })
        .await;
    open(&table.writes);
    long.await.unwrap();
    for id in (0..10).filter(|id| ![3, 4].contains(id)) {
        assert_eq!(kept(&here, id).await, Some(1), "{id}");
    }
    let fresh = caches(&server).await;
    assert_eq!((kept(&here, 3).await, kept(&fresh, 3).await), (None, None));
    assert_eq!((kept(&here, 4).await, kept(&fresh, 4).await), (None, None));
    assert_eq!(there.scope(through(&table, 4)).await, 1);
}

/// The reader has read the old row, and brings it when the new values are there already.
#[tokio::test]
async fn a_load_that_began_before_does_not_come_after() {
    for elsewhere in [false, true] {
        let server = RedisServer::start().await;
        let table = Table::new();
        let here = caches(&server).await;
        let reads = if elsewhere {
            caches(&server).await
        } else {
            here.clone()
        };
        close(&table.reads);
        let reader = tokio::spawn({
            let (reads, table) = (reads.clone(), Arc::clone(&table));
            async move { reads.scope(through(&table, 1)).await }
        });
        table.began().await;
        here.scope(save(&table, &rows(0..3, 1))).await;
        open(&table.reads);
        assert_eq!(reader.await.unwrap(), 0);
        reads.settle().await;
        let fresh = caches(&server).await;
        for caches in [&here, &fresh] {
            assert_eq!(caches.scope(through(&table, 1)).await, 1);
        }
    }
}

#[tokio::test]
async fn a_server_that_goes_while_the_body_runs_has_them_removed() {
    let server = RedisServer::start().await;
    let table = Table::new();
    let [here, there] = [
        builder(&server).await.time_budget(BUDGET).build().unwrap(),
        caches(&server).await,
    ];
    here.scope(save(&table, &rows(0..100, 1))).await;
    close(&table.writes);
    table.begun.forget_permits(1);
    let writer = tokio::spawn({
        let (here, table) = (here.clone(), Arc::clone(&table));
        async move {
            let begun = Instant::now();
            here.scope(save(&table, &rows(0..100, 2))).await;
            begun.elapsed()
        }
    });
    table.began().await;
    server.pause();
    open(&table.writes);
    let took = writer.await.unwrap();
    assert!(took < 8 * BUDGET, "{took:?}");
    assert_eq!(here.scope(through(&table, 99)).await, 2, "memory has it");
    server.resume();
    timeout(Duration::from_secs(5), here.settle()).await.unwrap();
    for id in 0..100 {
        assert_eq!(there.scope(through(&table, id)).await, 2);
    }
}

#[tokio::test]
async fn what_is_written_behind_is_there_for_others_at_once() {
    let server = RedisServer::start().await;
    let table = Table::new();
    let [here, there] = [caches(&server).await, caches(&server).await];
    here.scope(save_later(&table, rows(0..1_000, 1))).await;
    assert_eq!(there.scope(behind(&table, 999)).await, 1);
    assert_eq!(table.loads(), 0);
    for value in 2..=20 {
        here.scope(save_later(&table, rows(0..1_000, value))).await;
    }
    here.settle().await;
    assert!((0..1_000).all(|id| table.rows.lock().unwrap()[&id] == 20));
    let statements = table.statements.lock().unwrap().clone();
    println!("20,000 writes in {} statements", statements.len());
    assert!(statements.len() <= 40, "{statements:?}");
    // Puts that met a run have left nothing, and nothing old.
    let fresh = caches(&server).await;
    for id in 0..1_000 {
        assert_eq!(fresh.scope(behind(&table, id)).await, 20);
    }
}

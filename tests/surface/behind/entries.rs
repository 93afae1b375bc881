//! `#[update(entries(..), strategy = "write_behind")]`: the items of many calls, in few runs.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Waker};
use std::time::Duration;

use cached_runtime::{Caches, cache, update};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::world::{World, builder, world};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    id: u64,
    value: u64,
}

fn rows(ids: impl IntoIterator<Item = u64>, value: u64) -> Vec<Row> {
    ids.into_iter().map(|id| Row { id, value }).collect()
}

/// A table that takes many rows in one statement, and remembers the statements.
struct Table {
    rows: Mutex<HashMap<u64, u64>>,
    statements: Mutex<Vec<Vec<Row>>>,
    /// How many of the next statements fail.
    failing: AtomicU64,
    gate: Semaphore,
}

impl Table {
    fn new() -> &'static Self {
        Box::leak(Box::new(Self {
            rows: Mutex::default(),
            statements: Mutex::default(),
            failing: AtomicU64::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        }))
    }

    async fn write(&self, rows: &[Row]) -> Result<(), String> {
        self.statements.lock().unwrap().push(rows.to_vec());
        let _ = self.gate.acquire().await.unwrap();
        if self
            .failing
            .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1))
            .is_ok()
        {
            return Err("deadlock".to_owned());
        }
        let mut table = self.rows.lock().unwrap();
        for row in rows {
            table.insert(row.id, row.value);
        }
        Ok(())
    }

    fn row(&self, id: u64) -> Option<u64> {
        self.rows.lock().unwrap().get(&id).copied()
    }

    fn sizes(&self) -> Vec<usize> {
        self.statements.lock().unwrap().iter().map(Vec::len).collect()
    }

    fn close(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn open(&self) {
        self.gate
            .add_permits(Semaphore::MAX_PERMITS - self.gate.available_permits());
    }
}

#[cache(key = "be:{id}", strategy = "write_behind", skip(table), backend = ["local", "far"])]
async fn row(table: &'static Table, id: u64) -> Option<u64> {
    table.row(id)
}

#[update(
    entries(row(row.id) = row.value for row in rows),
    strategy = "write_behind", batch = 500, every = "200ms"
)]
async fn save(table: &'static Table, rows: &[Row]) -> Result<(), String> {
    table.write(rows).await
}

#[update(entries(row(row.id) = row.value for row in rows), strategy = "write_behind")]
async fn save_owned(table: &'static Table, rows: Vec<Row>) -> Result<(), String> {
    table.write(&rows).await
}

#[update(entries(row(row.id) = row.value for row in rows), strategy = "write_behind", queue = 10, batch = 4)]
async fn save_few(table: &'static Table, rows: &Vec<Row>) -> Result<(), String> {
    table.write(rows).await
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save_one(table: &'static Table, id: u64, value: u64) -> Result<(), String> {
    table.write(&[Row { id, value }]).await
}

#[update(entries(row(row.id) = row.value for row in rows), strategy = "write_behind", retries = 1)]
async fn save_twice_at_most(table: &'static Table, rows: &[Row]) -> Result<(), String> {
    table.write(rows).await
}

#[update(entries(row(row.id) = row.value for row in rows), strategy = "write_behind")]
async fn save_said(table: &'static Table, rows: &[Row], said: &str) {
    let said = said.len() as u64;
    let rows: Vec<Row> = rows.iter().map(|row| Row { value: said, ..*row }).collect();
    let _ = table.write(&rows).await;
}

async fn kept(id: u64) -> Option<u64> {
    row_entry(id).get().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_items_of_several_calls_are_one_run() {
    world(async |world| {
        let table = Table::new();
        let begun = Instant::now();
        save(table, &rows(0..3, 1)).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        save(table, &rows(2..5, 2)).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_millis(100));
        assert_eq!(kept(0).await, Some(1));
        assert_eq!(kept(2).await, Some(2));
        assert_eq!(world.far.present().len(), 5);
        assert_eq!(row_cache().stats().pending_writes, 5);
        sleep(Duration::from_millis(99)).await;
        assert!(table.sizes().is_empty());
        sleep(Duration::from_millis(2)).await;
        assert_eq!(table.sizes(), [5]);
        assert_eq!(table.row(2), Some(2));
        sleep(Duration::from_secs(1)).await;
        assert_eq!(table.sizes(), [5]);
        assert_eq!(kept(2).await, Some(2));
        assert_eq!(row_cache().stats().pending_writes, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_waits_no_longer() {
    world(async |world| {
        let table = Table::new();
        save(table, &rows(0..1_200, 1)).await.unwrap();
        sleep(Duration::from_millis(1)).await;
        assert_eq!(table.sizes(), [500, 500]);
        world.caches.settle().await;
        assert_eq!(table.sizes(), [500, 500, 200]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_one_key_the_last_item_counts_and_nothing_is_queued_for_none() {
    world(async |world| {
        let table = Table::new();
        save_owned(table, Vec::new()).await.unwrap();
        world.caches.settle().await;
        assert!(table.sizes().is_empty());
        let [first, last] = [1, 2].map(|value| Row { id: 7, value });
        save_owned(table, vec![first, Row { id: 8, value: 3 }, last])
            .await
            .unwrap();
        assert_eq!(kept(7).await, Some(2));
        world.caches.settle().await;
        assert_eq!(
            *table.statements.lock().unwrap(),
            [vec![last, Row { id: 8, value: 3 }]]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_other_arguments_are_those_of_the_newest_call() {
    world(async |world| {
        let table = Table::new();
        save_said(table, &rows([1], 0), "a").await;
        save_said(table, &rows([2], 0), "long").await;
        world.caches.settle().await;
        assert_eq!(table.sizes(), [2]);
        assert_eq!((table.row(1), table.row(2)), (Some(4), Some(4)));
    })
    .await;
}

/// Writes of one key keep their order, whichever functions they are of, and what runs does not give way.
#[tokio::test(start_paused = true)]
async fn the_order_of_a_key_is_kept() {
    world(async |world| {
        let table = Table::new();
        save(table, &rows(1..3, 1)).await.unwrap();
        save_one(table, 1, 2).await.unwrap();
        save(table, &rows(1..3, 3)).await.unwrap();
        world.caches.settle().await;
        assert_eq!((table.row(1), table.row(2)), (Some(3), Some(3)));
        let of_one = |row: &&Row| row.id == 1;
        let statements = table.statements.lock().unwrap().clone();
        let of_one: Vec<u64> = statements
            .iter()
            .flatten()
            .filter(of_one)
            .map(|row| row.value)
            .collect();
        assert_eq!(of_one, [1, 2, 3]);

        table.close();
        save(table, &rows(1..3, 4)).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        save(table, &rows(1..2, 5)).await.unwrap();
        save(table, &rows(1..2, 6)).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(kept(1).await, Some(6));
        table.open();
        world.caches.settle().await;
        assert_eq!((table.row(1), table.row(2)), (Some(6), Some(4)));
        assert_eq!((kept(1).await, kept(2).await), (Some(6), Some(4)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_is_repeated_as_a_whole_with_newer_items() {
    world(async |world| {
        let table = Table::new();
        table.failing.store(1, SeqCst);
        save(table, &rows(0..10, 1)).await.unwrap();
        sleep(Duration::from_millis(210)).await;
        assert_eq!(table.sizes(), [10]);
        save(table, &rows(0..1, 2)).await.unwrap();
        world.caches.settle().await;
        assert_eq!(table.sizes(), [10, 10]);
        assert_eq!((table.row(0), table.row(9)), (Some(2), Some(1)));
        assert_eq!(row_cache().stats().repeated_writes, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_good_is_reported_and_removed() {
    let (clock, far) = (
        cached_runtime::testing::ManualClock::new(),
        crate::far::Far::default(),
    );
    let told: &'static Mutex<Vec<(String, u32)>> = Box::leak(Box::default());
    let caches = builder(&clock, &far)
        .on_failed_write(|failed| told.lock().unwrap().push((failed.key.clone(), failed.runs)))
        .build()
        .unwrap();
    let test = async {
        let table = Table::new();
        table.failing.store(2, SeqCst);
        save_twice_at_most(table, &rows(0..3, 1)).await.unwrap();
        assert_eq!(far.present().len(), 3);
        caches.settle().await;
        assert_eq!(table.sizes(), [3, 3]);
        assert!(far.present().is_empty());
        assert_eq!(kept(1).await, None);
        let mut told = told.lock().unwrap().clone();
        told.sort();
        assert_eq!(told, (0..3).map(|id| (format!("be:{id}"), 2)).collect::<Vec<_>>());
        assert_eq!(row_cache().stats().failed_writes, 3);
    };
    caches.scope(test).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_slows_the_writer_and_drops_nothing() {
    world(async |world| {
        let table = Table::new();
        table.close();
        let writer = async {
            save_few(table, &rows(0..100, 1)).await.unwrap();
        };
        let opener = async {
            sleep(Duration::from_secs(1)).await;
            assert!(row_cache().stats().pending_writes <= 10);
            table.open();
        };
        tokio::join!(writer, opener);
        world.caches.settle().await;
        assert!(table.sizes().iter().all(|size| *size <= 4));
        assert!((0..100).all(|id| table.row(id) == Some(1)));
        for id in 0..100 {
            assert_eq!(kept(id).await, Some(1));
        }
    })
    .await;
}

/// Ten times as many as there is room for.
#[tokio::test(start_paused = true)]
async fn a_list_may_be_larger_than_the_queue() {
    world(async |world| {
        let table = Table::new();
        save(table, &rows(0..100_000, 1)).await.unwrap();
        assert!(row_cache().stats().pending_writes <= 10_000);
        world.caches.settle().await;
        let sizes = table.sizes();
        println!("100,000 items in {} runs", sizes.len());
        assert_eq!(sizes.iter().sum::<usize>(), 100_000);
        assert!(sizes.len() < 1_000, "{}", sizes.len());
        assert_eq!((kept(0).await, kept(99_999).await), (Some(1), Some(1)));
    })
    .await;
}

#[cache(key = "bs:{id}", strategy = "write_behind", skip(table), backend = ["local", "far"], cache_if = |_| false)]
async fn unkept(table: &'static Table, id: u64) -> Option<u64> {
    table.row(id)
}

#[update(entries(unkept(row.id) = row.value for row in rows), strategy = "write_behind", queue = 10)]
async fn save_unkept(table: &'static Table, rows: &[Row]) {
    let _ = table.write(rows).await;
}

/// A writer that waits for a store, and is neither polled nor dropped, keeps nobody from writing what it had accepted.
#[tokio::test(start_paused = true)]
async fn a_writer_that_stands_still_holds_nobody_up() {
    world(async |world| {
        let table = Table::new();
        world.far.hold_removals();
        let ten = rows(0..10, 1);
        let mut still = std::pin::pin!(save_unkept(table, &ten));
        let first = still.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(first.is_pending());
        assert_eq!(unkept_cache().stats().pending_writes, 10);
        world.far.let_removals_go();
        // There is no room for it.
        save_unkept(table, &rows([77], 7)).await;
        world.caches.settle().await;
        assert_eq!((table.row(9), table.row(77)), (Some(1), Some(7)));
        still.await;
        assert_eq!(unkept(table, 77).await, Some(7));
    })
    .await;
}

/// What was accepted runs, and of the rest nothing is known anywhere.
#[tokio::test(start_paused = true)]
async fn a_writer_that_is_dropped_in_the_middle() {
    world(async |world| {
        let table = Table::new();
        world.far.hold_removals();
        crate::world::begin_and_drop(save_unkept(table, &rows(0..25, 1)));
        assert_eq!(unkept_cache().stats().pending_writes, 10);
        assert_eq!(unkept(table, 9).await, Some(1));
        world.far.let_removals_go();
        world.caches.settle().await;
        assert_eq!(table.sizes(), [10]);
        assert_eq!((table.row(9), table.row(10)), (Some(1), None));
        assert!(world.far.present().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn settle_and_shutdown_run_them_at_once() {
    world(async |world: World| {
        let table = Table::new();
        let begun = Instant::now();
        save(table, &rows(0..5, 1)).await.unwrap();
        world.caches.settle().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(table.sizes(), [5]);
        save(table, &rows(0..5, 2)).await.unwrap();
        world.caches.shutdown().await.unwrap();
        assert_eq!(table.row(4), Some(2));
        // From now on the body is run first, with all that there is.
        save(table, &rows(0..2, 3)).await.unwrap();
        assert_eq!(table.sizes(), [5, 5, 2]);
        assert_eq!(row(table, 1).await, Some(3));
    })
    .await;
}

/// The entries of one list may be of several `Caches`.
#[tokio::test(start_paused = true)]
async fn each_in_its_own_caches() {
    #[cache(key = "bc:{id}", strategy = "write_behind", skip(caches), caches = caches)]
    async fn apart(caches: &Caches, id: u64) -> Option<u64> {
        let _ = caches;
        Some(id)
    }

    #[update(entries(apart(&caches[row.id as usize % 2], row.id) = row.value for row in rows), strategy = "write_behind")]
    async fn save_apart(table: &'static Table, caches: &[Caches], rows: &[Row]) {
        let _ = table.write(rows).await;
    }

    world(async |world| {
        let table = Table::new();
        let other = builder(&world.clock, &world.far).build().unwrap();
        let caches = [world.caches.clone(), other.clone()];
        save_apart(table, &caches, &rows(0..10, 1)).await;
        assert_eq!(apart(&caches[1], 3).await, Some(1));
        world.caches.settle().await;
        other.settle().await;
        assert_eq!(table.sizes(), [5, 5]);
    })
    .await;
}

/// 100,000 writes on 1,000 keys, into a table that fails one time in five.
#[tokio::test(start_paused = true)]
async fn many_writes_are_few_runs_and_the_newest_of_each_key_arrives() {
    #[update(
        entries(row(row.id) = row.value for row in rows),
        strategy = "write_behind", batch = 500, every = "200ms", retries = 100
    )]
    async fn save_unsure(table: &'static Table, rows: &[Row]) -> Result<(), String> {
        let fails = fastrand::u8(..5) == 0;
        table.write(rows).await?;
        if fails { Err("gone".to_owned()) } else { Ok(()) }
    }

    world(async |world| {
        let table = Table::new();
        let mut newest = HashMap::new();
        for call in 0..1_000_u64 {
            let rows: Vec<Row> = (0..100)
                .map(|at| Row {
                    id: fastrand::u64(..1_000),
                    value: call * 100 + at,
                })
                .collect();
            newest.extend(rows.iter().map(|row| (row.id, row.value)));
            save_unsure(table, &rows).await.unwrap();
            sleep(Duration::from_millis(1)).await;
        }
        world.caches.settle().await;
        assert_eq!(*table.rows.lock().unwrap(), newest);
        for (id, value) in newest {
            assert_eq!(kept(id).await, Some(value));
        }
        let sizes = table.sizes();
        assert!(sizes.iter().all(|size| *size <= 500));
        println!(
            "100,000 writes in {} runs of {} items",
            sizes.len(),
            sizes.iter().sum::<usize>()
        );
        assert!(sizes.len() < 500, "{}", sizes.len());
        assert_eq!(row_cache().stats().failed_writes, 0);
    })
    .await;
}

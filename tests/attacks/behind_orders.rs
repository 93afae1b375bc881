//! Writes that run later, beside newer ones, removals and loads: once a writer has returned, nobody sees less than it wrote.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cached_runtime::{Cache, Caches, ErrorKind, Strategy, cache, invalidate, update};
use tokio::runtime::{Builder, Runtime};

use crate::by_hand::poll_once;
use crate::must_end;
use crate::odd::{Act, Gate, Odd};

/// How long threads race each other.
const RACE: Duration = Duration::from_millis(1_500);

#[derive(Default)]
struct Table(Mutex<HashMap<u64, u64>>);

impl Table {
    fn new() -> &'static Self {
        Box::leak(Box::default())
    }

    fn row(&self, id: u64) -> u64 {
        self.0.lock().unwrap().get(&id).copied().unwrap_or(0)
    }

    fn set(&self, id: u64, value: u64) {
        self.0.lock().unwrap().insert(id, value);
    }
}

#[cache(backend = "local", key = "bo:{id}", strategy = "write_behind", skip(table))]
async fn row(table: &'static Table, id: u64) -> u64 {
    table.row(id)
}

#[update(entries(row(row.0) = row.1 for row in rows), strategy = "write_behind")]
async fn write_all(table: &'static Table, rows: &[(u64, u64)]) {
    rows.iter().for_each(|row| table.set(row.0, row.1));
}

#[update(row(id) = value, strategy = "write_behind")]
async fn write(table: &'static Table, id: u64, value: u64) {
    table.set(id, value);
}

#[invalidate(row(id))]
async fn write_past(table: &'static Table, id: u64, value: u64) {
    table.set(id, value);
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// What callers see of a row before and after everything has run is what it is in the end.
async fn is_seen_as_it_ends(caches: &Caches, table: &'static Table, id: u64) {
    let before = row(table, id).await;
    caches.settle().await;
    assert_eq!([before, row(table, id).await], [table.row(id); 2]);
}

/// A list is written, and once its first row is seen, that row by another writer.
fn writes_beside_a_list(other: impl AsyncFn(&'static Table)) {
    let (runtime, end) = (runtime(), Instant::now() + RACE);
    while Instant::now() < end {
        let (caches, table) = (Odd::new().caches(), Table::new());
        let rows: Vec<(u64, u64)> = (0..1_000).map(|id| (id, 1)).collect();
        thread::scope(|threads| {
            threads.spawn(|| runtime.block_on(caches.scope(write_all(table, &rows))));
            runtime.block_on(caches.scope(must_end(async {
                while row_entry(0).get().await.unwrap().is_none() {}
                other(table).await;
            })));
        });
        runtime.block_on(caches.scope(must_end(is_seen_as_it_ends(&caches, table, 0))));
    }
}

#[test]
fn a_list_is_not_put_over_a_newer_write() {
    writes_beside_a_list(async |table| write(table, 0, 2).await);
}

#[test]
fn a_list_is_not_put_after_an_invalidation_that_waited_for_it() {
    writes_beside_a_list(async |table| write_past(table, 0, 9).await);
}

#[test]
fn a_write_is_not_put_over_a_newer_one() {
    const WRITERS: u64 = 6;
    let (runtime, end) = (runtime(), Instant::now() + RACE);
    let (caches, table) = (Odd::new().caches(), Table::new());
    for id in (0..).take_while(|_| Instant::now() < end) {
        let all = Barrier::new(WRITERS as usize);
        thread::scope(|threads| {
            for value in 1..=WRITERS {
                let (caches, runtime, all) = (&caches, &runtime, &all);
                threads.spawn(move || {
                    let _inside = runtime.enter();
                    let write = caches.scope(write(table, id, value));
                    all.wait();
                    assert!(poll_once(write).is_some());
                });
            }
        });
        runtime.block_on(caches.scope(must_end(is_seen_as_it_ends(&caches, table, id))));
    }
}

fn source() -> &'static AtomicU64 {
    Box::leak(Box::default())
}

fn cache_of(caches: &Caches, store: &'static str) -> Cache<u64> {
    caches
        .cache("numbers")
        .backend([store])
        .strategy(Strategy::WriteBehind)
        .build()
        .unwrap()
}

/// Nothing is ever too slow.
const AMPLE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_another_process_has_loaded_is_not_seen_once_a_write_has_run() {
    let (odd, source) = (Odd::new(), source());
    let (here, there) = (odd.caches_within(AMPLE), odd.caches_within(AMPLE));
    let entry = cache_of(&here, "odd").entry(1);
    let other = cache_of(&there, "odd").entry(1);
    let load = async || source.load(SeqCst);
    let body = || async {
        source.store(1, SeqCst);
        Ok::<(), String>(())
    };
    must_end(async {
        entry.write_behind(1, body).await.unwrap().unwrap();
        other.invalidate().await.unwrap();
        assert_eq!(other.get_or_load(load).await.unwrap(), 0);
        assert_eq!(entry.get_or_load(load).await.unwrap(), 1, "pending");
        let gate = odd.hold("fill");
        gate.arrived().await;
        assert_eq!(source.load(SeqCst), 1, "it has run");
        let seen = entry.get_or_load(load).await.unwrap();
        gate.stay_open();
        here.settle().await;
        assert_eq!(seen, 1);
    })
    .await;
}

/// Where a write could not be put, a load from before it may fill the store with what was true then.
#[tokio::test]
async fn what_was_loaded_before_a_write_is_not_seen_once_it_has_run() {
    let (odd, source) = (Odd::new(), source());
    let caches = odd.caches_within(AMPLE);
    let entry = cache_of(&caches, "odd").entry(1);
    let load = async || source.load(SeqCst);
    let (look, fill) = (Gate::new(), Gate::new());
    let (before_look, before_fill) = (Arc::clone(&look), Arc::clone(&fill));
    let (looked, filled) = (AtomicBool::new(false), AtomicBool::new(false));
    odd.script(move |operation, _| match operation {
        "get" if !looked.swap(true, SeqCst) => Act::Wait(Arc::clone(&before_look)),
        "fill" if !filled.swap(true, SeqCst) => Act::Fail(ErrorKind::Store),
        "fill" if source.load(SeqCst) == 1 => Act::Wait(Arc::clone(&before_fill)),
        _ => Act::Serve,
    });
    let body = || async {
        source.store(1, SeqCst);
        Ok::<(), String>(())
    };
    let write = async {
        look.arrived().await;
        entry.write_behind(1, body).await.unwrap().unwrap();
        look.open();
    };
    must_end(async {
        let (early, ()) = tokio::join!(entry.get_or_load(load), write);
        early.unwrap();
        assert_eq!(entry.get_or_load(load).await.unwrap(), 1, "pending");
        tokio::select! {
            () = fill.arrived() => {}
            () = caches.settle() => {}
        }
        assert_eq!(source.load(SeqCst), 1, "it has run");
        let open = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            fill.stay_open();
        };
        let (seen, ()) = tokio::join!(entry.get_or_load(load), open);
        caches.settle().await;
        assert_eq!(seen.unwrap(), 1);
    })
    .await;
}

/// It waited for the older one, and the newer one runs meanwhile.
#[tokio::test]
async fn a_removal_uncovers_no_source_that_a_newer_write_is_still_to_reach() {
    let (caches, source) = (Odd::new().caches(), source());
    let entry = cache_of(&caches, "local").entry(1);
    let load = async || source.load(SeqCst);
    let gate = Gate::new();
    let before = Arc::clone(&gate);
    let older = || async {
        source.store(1, SeqCst);
        Ok::<(), String>(())
    };
    let newer = move || {
        let before = Arc::clone(&before);
        async move {
            before.pass().await;
            source.store(2, SeqCst);
            Ok::<(), String>(())
        }
    };
    must_end(async {
        entry.write_behind(1, older).await.unwrap().unwrap();
        let mut removal = Box::pin(entry.invalidate());
        assert!(
            poll_once(removal.as_mut()).is_none(),
            "it waits for the older one"
        );
        entry.write_behind(2, newer).await.unwrap().unwrap();
        gate.arrived().await;
        assert_eq!(entry.get_or_load(load).await.unwrap(), 2, "pending");
        // A removal may wait for the newer one too.
        let open = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let seen = entry.get_or_load(load).await.unwrap();
            gate.open();
            seen
        };
        let (removed, seen) = tokio::join!(removal, open);
        removed.unwrap();
        caches.settle().await;
        assert_eq!(seen, 2);
    })
    .await;
}

#[invalidate(key = "numbers:1")]
async fn write_number() {}

/// Its body has not run, so nothing has been removed.
#[tokio::test]
async fn a_writer_that_is_dropped_while_it_waits_uncovers_nothing() {
    let (odd, source, gate) = (Odd::new(), source(), Gate::new());
    let (here, there) = (odd.caches_within(AMPLE), odd.caches_within(AMPLE));
    let entry = cache_of(&here, "odd").entry(1);
    let load = async || source.load(SeqCst);
    let before = Arc::clone(&gate);
    let body = move || {
        let before = Arc::clone(&before);
        async move {
            before.pass().await;
            source.store(1, SeqCst);
            Ok::<(), String>(())
        }
    };
    must_end(async {
        entry.write_behind(1, body).await.unwrap().unwrap();
        let mut writer = Box::pin(here.scope(write_number()));
        assert!(poll_once(writer.as_mut()).is_none(), "it waits for the write");
        gate.arrived().await;
        drop(writer);
        cache_of(&there, "odd").entry(1).invalidate().await.unwrap();
        assert_eq!(entry.get_or_load(load).await.unwrap(), 1);
        gate.stay_open();
        here.settle().await;
    })
    .await;
}

#[cache(backend = "local", key = "bo:kept:{id}", strategy = "write_behind", cache_if = |_| false, skip(source))]
async fn unkept(source: &'static AtomicU64, id: u64) -> u64 {
    let _ = id;
    source.load(SeqCst)
}

#[update(unkept(id) = value, strategy = "write_behind")]
async fn write_held(source: &'static AtomicU64, gate: Arc<Gate>, id: u64, value: u64) {
    let _ = id;
    gate.pass().await;
    source.store(value, SeqCst);
}

#[invalidate(unkept(id), when = "before")]
async fn removes_before(id: u64) {
    let _ = id;
}

#[tokio::test]
async fn a_writer_that_removes_first_and_is_dropped_while_it_waits_uncovers_nothing() {
    let (caches, source, gate) = (Odd::new().caches(), source(), Gate::new());
    let work = caches.scope(async {
        write_held(source, Arc::clone(&gate), 1, 5).await;
        let mut removal = Box::pin(removes_before(1));
        tokio::select! {
            () = &mut removal => panic!("it waits for the write"),
            () = gate.arrived() => {}
        }
        drop(removal);
        assert_eq!(unkept(source, 1).await, 5);
        gate.open();
        caches.settle().await;
        assert_eq!(unkept(source, 1).await, 5);
    });
    must_end(work).await;
}

/// Of two that look for it together, in one look for many.
#[tokio::test]
async fn a_batch_sees_what_is_written_while_it_looks_below() {
    let (odd, source) = (Odd::new(), source());
    let caches = odd.caches_within(AMPLE);
    let cache = cache_of(&caches, "odd");
    let gate = odd.hold("get");
    let load = async |ids: Vec<u64>| {
        let value = source.load(SeqCst);
        ids.into_iter().map(|id| (id, value)).collect::<HashMap<_, _>>()
    };
    let ran = Arc::new(tokio::sync::Notify::new());
    let hold = Arc::clone(&ran);
    let body = move || {
        let hold = Arc::clone(&hold);
        async move {
            hold.notified().await;
            source.store(1, SeqCst);
            Ok::<(), String>(())
        }
    };
    let write = async {
        gate.arrived().await;
        // Its put is refused by the store, which forgets the key: nothing but what is pending has it.
        odd.script(|operation, _| match operation {
            "fill" => Act::Fail(ErrorKind::Store),
            _ => Act::Serve,
        });
        cache.entry(1).write_behind(1, body).await.unwrap().unwrap();
        odd.script(|_, _| Act::Serve);
        gate.stay_open();
    };
    let (many, ()) = must_end(async { tokio::join!(cache.get_or_load_many([1_u64, 2], load), write) }).await;
    assert_eq!(many.unwrap(), [Some(1), Some(0)]);
    ran.notify_one();
    must_end(caches.settle()).await;
}

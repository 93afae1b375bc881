//! Writes that run later, and who waits for them: where nobody could go on, somebody has to.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use cached_runtime::{Cache, Caches, Strategy, cache, update};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use crate::by_hand::{must_return, poll_once};
use crate::must_end;
use crate::odd::{Gate, Odd};

/// The loader removes an entry of which a write is pending, whose body asks for what is being loaded.
#[tokio::test]
async fn a_loader_and_a_write_do_not_wait_for_each_other() {
    let caches = Odd::new().caches();
    let loaded: Cache<u64> = caches.cache("loaded").backend(["local"]).build().unwrap();
    let written: Cache<u64> = caches
        .cache("written")
        .backend(["local"])
        .strategy(Strategy::WriteBehind)
        .build()
        .unwrap();
    let (load, write) = (loaded.entry(1), written.entry(1));
    let asked = load.clone();
    let body = move || {
        let asked = asked.clone();
        async move {
            let got = asked.get_or_load(async || 1).await;
            got.map(drop).map_err(|error| error.to_string())
        }
    };
    write.write_behind(1, body).await.unwrap().unwrap();
    let all = load.get_or_load(async || {
        write.invalidate().await.unwrap();
        2
    });
    must_end(all).await.unwrap();
}

static ASKED: OnceLock<Cache<Asks>> = OnceLock::new();

/// Asks for statistics when it goes.
#[derive(Clone)]
struct Asks;

impl Drop for Asks {
    fn drop(&mut self) {
        if let Some(cache) = ASKED.get() {
            let _ = cache.stats();
        }
    }
}

#[test]
fn a_value_that_another_replaces_asks_for_statistics() {
    must_return(|| {
        let caches = Odd::new().caches();
        let cache = caches
            .cache("asks")
            .strategy(Strategy::WriteBehind)
            .cache_if(|_| false)
            .build_in_memory()
            .unwrap();
        ASKED.set(cache.clone()).ok();
        Runtime::new().unwrap().block_on(async {
            for _ in 0..2 {
                let body = || async { Ok::<(), String>(()) };
                cache.entry(1).write_behind(Asks, body).await.unwrap().unwrap();
            }
            caches.settle().await;
        });
    });
}

#[test]
fn a_removal_does_not_wait_for_a_runtime_that_stands_still() {
    must_return(|| {
        let caches = Odd::new().caches();
        let cache: Cache<u64> = caches
            .cache("still")
            .backend(["local"])
            .strategy(Strategy::WriteBehind)
            .build()
            .unwrap();
        let still = Builder::new_current_thread().enable_all().build().unwrap();
        still.block_on(async {
            let body = || async { Ok::<(), String>(()) };
            cache.entry(1).write_behind(1, body).await.unwrap().unwrap();
            // As long as it takes for the write to be waited for.
            tokio::time::sleep(Duration::from_millis(20)).await;
        });
        Runtime::new().unwrap().block_on(async {
            cache.entry(1).invalidate().await.unwrap();
        });
        drop(still);
    });
}

#[cache(backend = "local", key = "bw:{id}", strategy = "write_behind")]
async fn number(id: u64) -> u64 {
    id
}

#[update(number(id) = id, strategy = "write_behind")]
async fn write(id: u64, gate: Arc<Gate>) {
    gate.pass().await;
}

#[update(number(id) = id, strategy = "write_behind", concurrency = 1, queue = 1)]
async fn write_one(id: u64, gate: Arc<Gate>) {
    gate.pass().await;
}

#[update(entries(number(*id) = *id for id in ids), strategy = "write_behind", every = "1h")]
async fn gather(ids: &[u64]) {
    let _ = ids;
}

/// What was written while its key's last write ran is due before the only one who waits looks again.
#[tokio::test(start_paused = true)]
async fn a_write_is_not_left_to_who_waits_for_something_later() {
    let (caches, gate) = (Odd::new().caches(), Gate::new());
    let work = async {
        gather(&[1]).await;
        write(2, Arc::clone(&gate)).await;
        gate.arrived().await;
        write(2, Arc::clone(&gate)).await;
        // Until somebody waits for what was gathered.
        sleep(Duration::from_secs(1)).await;
        gate.open();
        timeout(Duration::from_secs(1), gate.arrived())
            .await
            .expect("nobody runs it");
        gate.stay_open();
        caches.settle().await;
        assert_eq!(number(2).await, 2);
    };
    caches.scope(work).await;
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Who waits for room is told that whoever was at work is not any more.
#[test]
fn room_is_waited_for_no_longer_than_somebody_is_at_work() {
    must_return(|| {
        let (caches, gate) = (Odd::new().caches(), Gate::new());
        let first = one_thread();
        first.block_on(caches.scope(async {
            write_one(1, Arc::clone(&gate)).await;
            gate.arrived().await;
        }));
        let writer = {
            let (caches, gate) = (caches.clone(), Arc::clone(&gate));
            thread::spawn(move || {
                one_thread().block_on(caches.scope(async {
                    write_one(2, Arc::clone(&gate)).await;
                    caches.settle().await;
                }));
            })
        };
        // Until it waits for room.
        thread::sleep(Duration::from_millis(100));
        assert!(!writer.is_finished());
        gate.stay_open();
        drop(first);
        writer.join().unwrap();
    });
}

/// Nobody who was to be at work in it ever was.
#[test]
fn a_removal_does_not_wait_for_a_runtime_that_is_never_driven() {
    must_return(|| {
        let (caches, gate) = (Odd::new().caches(), Gate::new());
        gate.stay_open();
        let still = one_thread();
        still.block_on(caches.scope(write_one(1, Arc::clone(&gate))));
        Runtime::new()
            .unwrap()
            .block_on(caches.scope(async { number_entry(1).invalidate().await.unwrap() }));
        drop(still);
    });
}

/// Two in the place of one, of whom one comes back.
#[test]
fn as_many_are_at_work_as_may_be_when_one_comes_back_who_was_lost() {
    must_return(|| {
        let (caches, gate) = (Odd::new().caches(), Gate::new());
        let still = one_thread();
        still.block_on(caches.scope(write_one(1, Arc::clone(&gate))));
        let other = Runtime::new().unwrap();
        let removal = {
            let caches = caches.clone();
            let removal = async { number_entry(1).invalidate().await };
            other.spawn(async move { caches.scope(removal).await })
        };
        other.block_on(gate.arrived());
        still.block_on(caches.scope(async {
            let mut written = pin!(write_one(2, Arc::clone(&gate)));
            // There is room for one, which runs.
            assert!(timeout(Duration::from_millis(300), &mut written).await.is_err());
            gate.open();
            written.await;
            gate.arrived().await;
            gate.stay_open();
            caches.settle().await;
        }));
        other.block_on(removal).unwrap().unwrap();
    });
}

/// It has failed when its runtime ends, and its entry is yet to be removed.
#[test]
fn a_write_that_failed_is_told_although_its_runtime_ends() {
    let told = Arc::new(AtomicUsize::new(0));
    let odd = Odd::new();
    let count = Arc::clone(&told);
    let caches = Caches::builder()
        .store("odd", odd.clone())
        .time_budget(Duration::from_secs(60))
        .on_failed_write(move |_| _ = count.fetch_add(1, SeqCst))
        .build()
        .unwrap();
    let cache: Cache<u64> = caches
        .cache("failing")
        .backend(["local", "odd"])
        .strategy(Strategy::WriteBehind)
        .retries(0)
        .build()
        .unwrap();
    let runtime = Runtime::new().unwrap();
    let held = odd.hold("remove");
    runtime.block_on(async {
        let body = || async { Err::<(), _>("refused".to_owned()) };
        cache.entry(1).write_behind(1, body).await.unwrap().unwrap();
        held.arrived().await;
    });
    assert_eq!(told.load(SeqCst), 0);
    drop(runtime);
    assert_eq!((told.load(SeqCst), cache.stats().failed_writes), (1, 1));
}

/// Nobody can be set to work here, and whoever has to wait for room waits and does nothing else.
#[test]
fn room_is_waited_for_where_nobody_can_be_at_work() {
    must_return(|| {
        let (caches, gate) = (Odd::new().caches(), Gate::new());
        let still = one_thread();
        still.block_on(caches.scope(async {
            write_one(1, Arc::clone(&gate)).await;
            write(2, Arc::clone(&gate)).await;
        }));
        drop(still);
        let bare = Builder::new_current_thread().build().unwrap();
        let waits = caches.scope(write_one(2, Arc::clone(&gate)));
        assert_eq!(bare.block_on(async { poll_once(waits) }), None);
        gate.stay_open();
        one_thread().block_on(caches.settle());
    });
}

/// A write waits for room while another runs in a runtime that nobody drives any more once that has failed.
#[test]
fn room_is_not_waited_for_where_nobody_is_at_work() {
    must_return(|| {
        let caches = Odd::new().caches();
        let cache: Cache<u64> = caches
            .cache("room")
            .backend(["local"])
            .strategy(Strategy::WriteBehind)
            .queue(1)
            .concurrency(1)
            .build()
            .unwrap();
        let (still, other) = (
            Builder::new_current_thread().enable_all().build().unwrap(),
            Runtime::new().unwrap(),
        );
        let (gate, tries) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
        let before = Arc::clone(&gate);
        let body = move || {
            let (gate, tries) = (Arc::clone(&before), Arc::clone(&tries));
            async move {
                if tries.fetch_add(1, SeqCst) > 0 {
                    return Ok(());
                }
                gate.pass().await;
                Err("the source is not there".to_owned())
            }
        };
        let mut waits = None;
        still.block_on(async {
            cache.entry(1).write_behind(1, body).await.unwrap().unwrap();
            gate.arrived().await;
            let cache = cache.clone();
            waits = Some(other.spawn(async move {
                let body = || async { Ok::<(), String>(()) };
                cache.entry(2).write_behind(2, body).await.unwrap().unwrap();
            }));
            // As long as it takes for it to wait.
            sleep(Duration::from_millis(50)).await;
            gate.open();
            // As long as it takes for the worker to have failed.
            sleep(Duration::from_millis(20)).await;
        });
        other.block_on(waits.unwrap()).unwrap();
        drop(still);
    });
}

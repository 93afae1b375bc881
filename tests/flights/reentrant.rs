//! The values' own code runs inside of ours: a `clone` or a `drop` may look at the statistics, and do anything to its own
//! cache.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use cached_runtime::{Cache, Caches, cache};

use crate::crowd::caches;

/// Far longer than anything here takes.
const STUCK: Duration = Duration::from_secs(20);

fn run<F: Future>(caches: &Caches, work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(caches.scope(work))
}

/// Runs `work` on a thread of its own, and fails if it never ends.
fn must_end<F: Future<Output = ()>>(work: impl FnOnce(Caches) -> F + Send + 'static) {
    let (done, end) = channel();
    let worker = thread::spawn(move || {
        let caches = caches();
        run(&caches, work(caches.clone()));
        done.send(()).unwrap();
    });
    let Err(why) = end.recv_timeout(STUCK) else { return };
    assert!(why != std::sync::mpsc::RecvTimeoutError::Timeout, "stuck");
    std::panic::resume_unwind(worker.join().unwrap_err());
}

type Hook = Arc<dyn Fn() + Send + Sync>;

fn nothing() -> Hook {
    Arc::new(|| {})
}

/// A value that does something when it is cloned or dropped.
struct Hooked {
    id: u64,
    cloned: Hook,
    dropped: Hook,
}

impl Hooked {
    fn new(id: u64, cloned: &Hook, dropped: &Hook) -> Self {
        Self {
            id,
            cloned: Arc::clone(cloned),
            dropped: Arc::clone(dropped),
        }
    }

    fn plain(id: u64) -> Self {
        Self::new(id, &nothing(), &nothing())
    }
}

impl Clone for Hooked {
    fn clone(&self) -> Self {
        (self.cloned)();
        Self::new(self.id, &self.cloned, &self.dropped)
    }
}

impl Drop for Hooked {
    fn drop(&mut self) {
        (self.dropped)();
    }
}

/// Small, so that all keys are behind one lock and soon pushed out.
#[cache(backend = "local", capacity = 10, skip(value))]
async fn local(value: Hooked, id: u64) -> Hooked {
    let _ = id;
    value
}

#[cache(backend = "moka", capacity = 10, skip(value))]
async fn moka(value: Hooked, id: u64) -> Hooked {
    let _ = id;
    value
}

#[test]
fn a_clone_looks_at_the_statistics_while_others_write() {
    must_end(async |caches| {
        let armed = Arc::new(AtomicBool::new(false));
        let (inside, entered) = channel();
        let (written, finished) = channel();
        let (inside, finished) = (Mutex::new(inside), Mutex::new(finished));
        let cloned: Hook = {
            let (armed, caches) = (Arc::clone(&armed), caches.clone());
            Arc::new(move || {
                if armed.swap(false, SeqCst) {
                    inside.lock().unwrap().send(()).unwrap();
                    // As long as a writer takes that is not kept waiting; one that is has queued up by then.
                    let _ = finished.lock().unwrap().recv_timeout(Duration::from_millis(500));
                    assert!(caches.stats().caches.iter().any(|cache| cache.entries > 0));
                }
            })
        };
        local(Hooked::new(1, &cloned, &nothing()), 1).await;
        let writer = thread::spawn(move || {
            entered.recv().unwrap();
            run(&caches, async {
                local_entry(2).insert(Hooked::plain(2)).await.unwrap()
            });
            let _ = written.send(());
        });
        armed.store(true, SeqCst);
        assert_eq!(local(Hooked::plain(0), 1).await.id, 1);
        assert!(!armed.load(SeqCst));
        writer.join().unwrap();
    });
}

/// Replaced, removed, pushed out, refused: whatever way it goes.
macro_rules! drops {
    ($function:ident, $entry:ident, $cache:ident) => {
        must_end(async |caches| {
            let drops = Arc::new(AtomicUsize::new(0));
            let dropped: Hook = {
                let (drops, caches) = (Arc::clone(&drops), caches.clone());
                Arc::new(move || {
                    drops.fetch_add(1, SeqCst);
                    assert_eq!(caches.stats().caches.len(), 1);
                })
            };
            let value = |id| Hooked::new(id, &nothing(), &dropped);
            for round in 0..200 {
                for id in 0..20 {
                    assert_eq!($function(value(id), id).await.id, id);
                }
                let id = round % 20;
                $entry(id).insert(value(id)).await.unwrap();
                $entry(id).insert(value(id)).await.unwrap();
                $entry(id).invalidate().await.unwrap();
                $entry(id).insert_for(value(id), Duration::ZERO).await.unwrap();
                if round % 10 == 0 {
                    $cache().invalidate_pattern("*").await.unwrap();
                }
                if round % 10 == 5 {
                    $cache().clear().await.unwrap();
                }
            }
            assert!(drops.load(SeqCst) > 1_000);
        })
    };
}

#[test]
fn a_drop_looks_at_the_statistics() {
    drops!(local, local_entry, local_cache);
}

#[test]
fn a_drop_looks_at_the_statistics_of_moka() {
    drops!(moka, moka_entry, moka_cache);
}

/// What a value does when it goes may be an invalidation.
macro_rules! removes {
    ($function:ident, $entry:ident) => {
        must_end(async |caches| {
            let dropped: Hook = {
                let caches = caches.clone();
                Arc::new(move || at_once(caches.scope(async { $entry(19).invalidate().await.unwrap() })))
            };
            let value = |id| Hooked::new(id, &nothing(), &dropped);
            for round in 0..500 {
                for id in 0..20 {
                    $function(value(id), id).await;
                }
                $entry(round % 20).invalidate().await.unwrap();
                $entry(0).insert(value(0)).await.unwrap();
            }
        })
    };
}

#[test]
fn a_drop_removes_another_entry() {
    removes!(local, local_entry);
}

#[test]
fn a_drop_removes_another_entry_of_moka() {
    removes!(moka, moka_entry);
}

/// The same where no function is called, so that nothing but `moka` is in the way.
#[test]
fn a_drop_removes_another_entry_of_a_cache_without_a_function() {
    must_end(async |caches| {
        for engine in ["local", "moka"] {
            let cache: Cache<Hooked> = caches
                .cache(engine)
                .backend([engine])
                .capacity(200)
                .build_in_memory()
                .unwrap();
            let dropped: Hook = {
                let cache = cache.clone();
                Arc::new(move || at_once(cache.entry(1).invalidate()).unwrap())
            };
            let value = || Hooked::new(0, &nothing(), &dropped);
            for round in 0..20_000 {
                let entry = cache.entry(round % 997);
                if round % 3 == 0 {
                    entry.insert(value()).await.unwrap();
                } else {
                    entry.get_or_load(async || value()).await.unwrap();
                }
                if round % 10 == 0 {
                    cache.entry(1).insert(value()).await.unwrap();
                }
            }
        }
    });
}

/// Its hits may start a load.
#[cache(backend = "local", capacity = 10, ttl = "1h", refresh = "50%")]
async fn aging(id: u64) -> Hooked {
    Hooked::plain(id)
}

/// What is ready at once.
fn at_once<T>(work: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(work).poll(&mut context) {
        std::task::Poll::Ready(done) => done,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

/// Neither a lock is held while a hit is cloned nor is the scope looked at: its own clone may read, replace, remove and
/// clear it, under a scope of its own.
macro_rules! clones {
    ($call:expr, $entry:ident, $cache:ident) => {
        must_end(async |caches| {
            let armed = Arc::new(AtomicUsize::new(0));
            let cloned: Hook = {
                let (armed, caches) = (Arc::clone(&armed), caches.clone());
                Arc::new(move || match armed.swap(0, SeqCst) {
                    0 => {}
                    step => at_once(caches.scope(async {
                        match step {
                            1 => assert_eq!($call.await.id, 1),
                            2 => $entry(1).insert(Hooked::plain(2)).await.unwrap(),
                            3 => $entry(1).invalidate().await.unwrap(),
                            _ => $cache().clear().await.unwrap(),
                        }
                    })),
                })
            };
            for step in 1..=4 {
                let value = Hooked::new(1, &cloned, &nothing());
                $entry(1).insert(value).await.unwrap();
                let before = $cache().stats().hits;
                armed.store(step, SeqCst);
                // What was there when the call began.
                assert_eq!($call.await.id, 1);
                assert_eq!(armed.load(SeqCst), 0);
                let hits = $cache().stats().hits - before;
                assert_eq!(hits, if step == 1 { 2 } else { 1 });
            }
            assert_eq!($cache().stats().entries, 0);
        })
    };
}

#[test]
fn a_clone_does_anything_to_its_own_cache() {
    clones!(local(Hooked::plain(0), 1), local_entry, local_cache);
}

#[test]
fn so_does_one_of_a_hit_that_may_start_a_load() {
    clones!(aging(1), aging_entry, aging_cache);
}

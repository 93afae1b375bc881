//! Runtimes that stand still, block or end: nobody else depends on what they were about to do.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant as Clock};

use cached_runtime::stores::{Memcached, Redis, Sql};
use cached_runtime::{Cache, Caches, Error, Lookup, Store, TimeBudget};
use cached_tests::{MemcachedServer, RedisCluster, RedisServer, seed};
use tokio::runtime::{Builder, Runtime};
use tokio::task::coop::consume_budget;
use tokio::task::{JoinSet, LocalSet, yield_now};
use tokio::time::{Instant, sleep, timeout};

use crate::looking::{Answer, begin, look, ms, take_both_seats};
use crate::sql::databases;

/// Within so long everybody is served again: a dial, an answer and a look-up that nobody waits for, one after the other.
const SOON: Duration = Duration::from_secs(10);
/// Look-ups in one request.
const LARGEST: usize = 128;

/// Stands still whenever its thread is not inside of `block_on`.
fn still() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn home(threads: usize) -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).enable_all().build().unwrap()
}

/// Eight callers look again and again until each has been answered a hundred times in a row.
async fn all_are_served<S: Store + Clone>(store: &S) {
    let mut all = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        all.spawn(async move {
            let mut answered = 0;
            while answered < 100 {
                let budget = TimeBudget::since(Instant::now(), ms(300));
                match store.get_within("shop:a", false, budget).await {
                    Some(Ok(_)) => answered += 1,
                    Some(Err(_)) | None => answered = 0,
                }
                sleep(ms(1)).await;
            }
        });
    }
    timeout(SOON, all.join_all()).await.expect("nobody is answered");
}

/// Of callers that wait while the runtime of their connection ends.
fn answered_and_failed(callers: usize) -> (usize, usize) {
    let (control, other, home) = (still(), home(1), home(1));
    let server = control.block_on(RedisServer::unix());
    let store = home.block_on(Redis::connect(server.url())).unwrap();
    server.pause();
    let mut calls: Vec<_> = (0..callers).map(|_| Box::pin(look(&store, ms(60_000)))).collect();
    other.block_on(async {
        for call in &mut calls {
            begin(call).await;
        }
        // Who had the seats; from here on, those who wait are sent from where the connection lives.
        drop(calls.drain(..2));
    });
    drop(home);
    server.resume();
    other.block_on(async {
        let mut all: JoinSet<Answer> = calls.into_iter().collect();
        let (mut answered, mut failed) = (0, 0);
        while let Some(answer) = all.join_next().await {
            match answer.unwrap().expect("it is given up") {
                Ok(_) => answered += 1,
                Err(_) => failed += 1,
            }
        }
        (answered, failed)
    })
}

#[test]
fn a_runtime_that_ends_fails_only_what_it_has_asked_for() {
    let (answered, failed) = answered_and_failed(3_000);
    assert!(failed <= 2 * LARGEST && answered + failed == 2_998, "{failed}");
}

/// Of each batch the next would be told on the same stack.
#[test]
fn however_many_wait() {
    let (answered, failed) = answered_and_failed(60_000);
    assert!(failed <= 2 * LARGEST && answered + failed == 59_998, "{failed}");
}

#[test]
fn a_runtime_of_the_connection_that_blocks_is_not_waited_for() {
    let (home, other) = (home(1), home(2));
    let server = other.block_on(RedisServer::unix());
    let store = home.block_on(Redis::connect(server.url())).unwrap();
    let (end, ends) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let blocked = home.spawn(async move {
        begun.send(()).unwrap();
        let _ = ends.recv();
    });
    begins.recv().unwrap();
    other.block_on(all_are_served(&store));
    drop(end);
    home.block_on(blocked).unwrap();
}

#[test]
fn nor_is_one_in_which_the_connection_was_made_anew() {
    let (first, home) = (still(), home(2));
    let mut server = home.block_on(RedisServer::unix());
    let store = home.block_on(Redis::connect(server.url())).unwrap();
    home.block_on(server.start_again());
    while !matches!(first.block_on(look(&store, ms(1_000))), Some(Ok(_))) {}
    home.block_on(all_are_served(&store));
    // Lanes too are made beside the new connection: one, and who asks.
    let lanes = async {
        loop {
            assert!(matches!(look(&store, ms(1_000)).await, Some(Ok(_))));
            let clients: String = server.cli(&["CLIENT", "LIST"]).await;
            if clients.matches("resp=2").count() > 1 {
                return;
            }
        }
    };
    home.block_on(async { timeout(SOON, lanes).await.expect("there is no lane") });
}

#[test]
fn nor_one_that_was_dialling() {
    let (first, home) = (still(), home(2));
    let server = home.block_on(RedisServer::unix());
    let store = Redis::connect_lazily(server.url()).unwrap();
    server.pause();
    assert!(first.block_on(look(&store, ms(100))).is_none());
    server.resume();
    home.block_on(all_are_served(&store));
}

/// They have asked, are told that the server is gone, and leave it to a task of theirs to go for those who wait.
#[test]
fn nor_one_of_those_who_had_the_seats() {
    let (first, second, home) = (still(), still(), home(2));
    let mut server = home.block_on(RedisServer::unix());
    let store = home.block_on(Redis::connect(server.url())).unwrap();
    server.pause();
    let held = first.block_on(take_both_seats(&store, ms(5_000)));
    server.stop();
    for seat in held {
        let waiting = second.spawn(look(&store, ms(1_000)));
        second.block_on(yield_now());
        assert!(matches!(first.block_on(seat), Some(Err(_))));
        second.block_on(waiting).unwrap();
    }
    home.block_on(server.start_again());
    home.block_on(all_are_served(&store));
}

/// Both have asked, and are never polled again; whoever comes then has no budget, after which he could be missed.
#[test]
fn nor_do_those_who_had_the_seats_have_to_come_back() {
    let (first, home) = (still(), home(2));
    let server = home.block_on(RedisServer::unix());
    let store = home.block_on(Redis::connect(server.url())).unwrap();
    server.pause();
    let _held = first.block_on(take_both_seats(&store, ms(60_000)));
    server.resume();
    let asked = home.spawn(async move { timeout(SOON, store.get("shop:a")).await });
    assert!(home.block_on(asked).unwrap().expect("nobody asks").is_ok());
}

/// A batch that was asked for by a runtime which does not read the answer is asked for again.
#[test]
fn nor_has_a_batch_to_wait_for_who_asks_for_it() {
    let (first, second, home) = (still(), still(), home(2));
    let server = home.block_on(RedisServer::unix());
    let store = home.block_on(Redis::connect(server.url())).unwrap();
    server.pause();
    let mut held = [look(&store, ms(60_000)), look(&store, ms(60_000))].map(Box::pin);
    first.block_on(begin(&mut held[0]));
    // The first seat counts as lost by then, and the second does not.
    thread::sleep(ms(300));
    first.block_on(begin(&mut held[1]));
    let mut first_of_batch = Box::pin(look(&store, ms(60_000)));
    second.block_on(begin(&mut first_of_batch));
    let other = home.spawn(look(&store, ms(5_000)));
    home.block_on(async { sleep(ms(20)).await });
    // What the first has made a task for is asked for, and the other is among it.
    second.block_on(async { sleep(ms(100)).await });
    server.resume();
    let answer = home.block_on(other).unwrap();
    assert!(matches!(answer, Some(Ok(_))), "{answer:?}");
}

/// A few wake-ups for each of them, however long the server is silent.
#[tokio::test]
async fn those_who_wait_are_left_alone() {
    const CALLERS: usize = 1_000;
    let server = RedisServer::unix().await;
    let store = Redis::connect(server.url()).await.unwrap();
    server.pause();
    let polls = Arc::new(AtomicUsize::new(0));
    let mut all = JoinSet::new();
    for _ in 0..CALLERS {
        let (mut call, polls) = (Box::pin(look(&store, ms(1_000))), Arc::clone(&polls));
        all.spawn(poll_fn(move |context| {
            polls.fetch_add(1, SeqCst);
            call.as_mut().poll(context)
        }));
    }
    all.join_all().await;
    // To wait, to watch the time, to look, and to give up; and the first of each batch looks every 50 ms.
    let most = 6 * CALLERS + 40 * CALLERS.div_ceil(LARGEST);
    assert!(polls.load(SeqCst) < most, "{polls:?} of {most}");
}

/// As of synchronous code, each of whose threads has a runtime of its own and blocks on one call after the other.
#[test]
fn nor_are_those_of_threads_that_idle() {
    let home = home(2);
    let mut server = home.block_on(RedisServer::unix());
    let store = home.block_on(Redis::connect(server.url())).unwrap();
    let (stop, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (end, ends) = mpsc::channel::<()>();
    let ends = Mutex::new(ends);
    thread::scope(|scope| {
        let idle: Vec<_> = (0..8)
            .map(|_| {
                let (idles, idle) = mpsc::channel();
                let (store, stop, looks, ends) = (&store, &stop, &looks, &ends);
                scope.spawn(move || {
                    let runtime = still();
                    while !stop.load(SeqCst) {
                        drop(runtime.block_on(look(store, ms(300))));
                        looks.fetch_add(1, SeqCst);
                    }
                    idles.send(()).unwrap();
                    let _ = ends.lock().unwrap_or_else(PoisonError::into_inner).recv();
                });
                idle
            })
            .collect();
        let some = |more| {
            let wanted = looks.load(SeqCst) + more;
            while looks.load(SeqCst) < wanted {
                thread::yield_now();
            }
        };
        some(100);
        server.stop();
        some(20);
        home.block_on(server.start_again());
        some(100);
        stop.store(true, SeqCst);
        idle.iter().for_each(|idle| idle.recv().unwrap());
        home.block_on(all_are_served(&store));
        drop(end);
    });
}

/// The task that reaches for the store was made by a call of a runtime that stands still.
#[test]
fn a_store_that_was_lost_is_found_again_whoever_saw_it_fail() {
    let (first, home) = (still(), home(2));
    let mut server = home.block_on(RedisServer::unix());
    let store = home.block_on(Redis::connect(server.url())).unwrap();
    let caches = Caches::builder().store("redis", store).build().unwrap();
    let cache: Cache<u64> = caches.cache("users").backend(["redis"]).build().unwrap();
    let load = async || -> Result<u64, Error> { cache.entry(1).get_or_load(async || 1_u64).await };
    server.stop();
    while !caches.stats().stores[0].down {
        assert_eq!(first.block_on(load()).unwrap(), 1);
    }
    home.block_on(server.start_again());
    let found = async {
        while caches.stats().stores[0].down {
            assert_eq!(load().await.unwrap(), 1);
            sleep(ms(5)).await;
        }
    };
    home.block_on(async { timeout(SOON, found).await.expect("it stays down") });
}

/// What the server has answered long ago is read when it is gone again.
#[test]
fn a_probe_that_is_read_late_says_nothing() {
    let (first, home) = (still(), home(2));
    let mut server = home.block_on(RedisServer::unix());
    let store = home.block_on(Redis::connect(server.url())).unwrap();
    let caches = Caches::builder().store("redis", store.clone()).build().unwrap();
    let cache: Cache<u64> = caches.cache("users").backend(["redis"]).build().unwrap();
    let load = async || -> Result<u64, Error> { cache.entry(1).get_or_load(async || 1_u64).await };
    let is_down = || caches.stats().stores[0].down;
    server.stop();
    while !is_down() {
        assert_eq!(first.block_on(load()).unwrap(), 1);
    }
    home.block_on(server.start_again());
    home.block_on(all_are_served(&store));
    // Is asked over the connection of the other runtime, and stands still with the question.
    server.pause();
    first.block_on(async { sleep(ms(430)).await });
    server.resume();
    // Somebody else is at it by now.
    thread::sleep(ms(1_500));
    server.stop();
    home.block_on(async {
        load().await.unwrap();
        sleep(ms(300)).await;
    });
    assert!(is_down());
    first.block_on(async { sleep(ms(30)).await });
    assert!(is_down(), "nobody can reach it");
}

/// Such a task is one of tokio's, and finds nothing of tokio's to wait with.
#[test]
fn a_task_that_no_runtime_drives_says_nothing_of_a_store() {
    let home = home(1);
    let server = home.block_on(RedisServer::unix());
    let store = home.block_on(Redis::connect(server.url())).unwrap();
    let caches = Caches::builder().store("redis", store).build().unwrap();
    let cache: Cache<u64> = caches.cache("users").backend(["redis"]).build().unwrap();
    let (runs, tasks) = (Arc::new(AtomicUsize::new(0)), LocalSet::new());
    for id in 0..8 {
        let (entry, runs) = (cache.entry(id), Arc::clone(&runs));
        tasks.spawn_local(async move {
            let loaded: Result<u64, Error> = entry.get_or_load(async || id).await;
            assert_eq!(loaded.unwrap(), id);
            runs.fetch_add(1, SeqCst);
        });
    }
    let polled = pin!(tasks).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_ready() && runs.load(SeqCst) == 8);
    let store = &caches.stats().stores[0];
    assert!(!store.down && store.failures == 0, "{store:?}");
}

/// Callers of several runtimes, with budgets of any length, some of them dropped, while the server is paused and killed.
#[test]
fn budgets_are_kept_whatever_happens() {
    /// A machine that is busy is late by itself.
    const LATE: Duration = Duration::from_millis(250);
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let control = still();
    let mut server = control.block_on(RedisServer::unix());
    let runtimes = [home(2), home(1), still()];
    let store = runtimes[0].block_on(Redis::connect(server.url())).unwrap();
    let until = Clock::now() + ms(4_000);
    let seeds = Arc::new(AtomicU64::new(seed));
    let callers = |store: Redis, seeds: Arc<AtomicU64>| async move {
        let mut all = JoinSet::new();
        for _ in 0..60 {
            let store = store.clone();
            let mut random = fastrand::Rng::with_seed(seeds.fetch_add(1, SeqCst));
            all.spawn(async move {
                while Clock::now() < until {
                    let (budget, begun) = (ms(random.u64(..300)), Clock::now());
                    let call = look(&store, budget);
                    if random.u8(..4) == 0 {
                        drop(timeout(ms(random.u64(..100)), call).await);
                    } else {
                        drop(call.await);
                        assert!(
                            begun.elapsed() < budget + LATE,
                            "{:?} of {budget:?}",
                            begun.elapsed()
                        );
                    }
                    match random.u8(..3) {
                        0 => sleep(ms(random.u64(..20))).await,
                        _ => yield_now().await,
                    }
                }
            });
        }
        timeout(SOON, all.join_all())
            .await
            .expect("somebody waits for ever");
    };
    thread::scope(|scope| {
        for runtime in runtimes {
            let (store, seeds) = (store.clone(), Arc::clone(&seeds));
            scope.spawn(move || {
                runtime.block_on(callers(store, seeds));
                // Not ended before the others: who has the connection is the one that ends.
                runtime
            });
        }
        while Clock::now() < until {
            thread::sleep(ms(random.u64(20..300)));
            if random.u8(..5) == 0 {
                server.stop();
                thread::sleep(ms(random.u64(..100)));
                control.block_on(server.start_again());
            } else {
                server.pause();
                thread::sleep(ms(random.u64(..400)));
                server.resume();
            }
        }
    });
    home(1).block_on(all_are_served(&store));
}

/// The same for a store of any kind.
fn in_a_runtime_that_stands_still<S: Store + Clone>(connect: impl AsyncFnOnce() -> S, home: &Runtime) {
    let first = still();
    let store = first.block_on(async {
        let store = connect().await;
        store.get("shop:a").await.unwrap();
        store
    });
    home.block_on(all_are_served(&store));
}

#[test]
fn memcached_is_reached_again() {
    let home = home(2);
    let server = home.block_on(MemcachedServer::start());
    in_a_runtime_that_stands_still(
        async || Memcached::connect([server.address()]).await.unwrap(),
        &home,
    );
}

async fn has(store: &Memcached) -> bool {
    matches!(store.get("shop:a").await, Ok(Lookup::Found(_)))
}

/// What drives the connection waits behind a task that blocks. That says nothing of the server, and of what it holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_thread_makes_nothing_void() {
    let server = MemcachedServer::unix(&[]).await;
    let store = Memcached::connect([server.address()]).await.unwrap();
    store.put("shop:a", b"1", None).await.unwrap();
    assert!(has(&store).await);
    let busy = store.clone();
    let busy = tokio::spawn(async move { tokio::join!(has(&busy), async { thread::sleep(ms(1_300)) }).0 });
    sleep(ms(1_100)).await;
    let other = store.clone();
    tokio::spawn(async move { has(&other).await }).await.unwrap();
    busy.await.unwrap();
    assert!(has(&store).await, "it is void");
}

/// It has had no turn to ask, and the next who asks finds nobody who stands still.
#[tokio::test]
async fn nor_does_a_call_that_was_dropped_before_it_asked() {
    let server = MemcachedServer::unix(&[]).await;
    let store = Memcached::connect([server.address()]).await.unwrap();
    store.put("shop:a", b"1", None).await.unwrap();
    let dropped = store.clone();
    let drops = async move {
        let mut context = Context::from_waker(Waker::noop());
        while pin!(consume_budget()).poll(&mut context).is_ready() {}
        assert!(pin!(dropped.get("shop:a")).poll(&mut context).is_pending());
    };
    tokio::spawn(drops).await.unwrap();
    let made = || async { server.stats().await["total_connections"].parse::<u64>().unwrap() };
    let before = made().await;
    sleep(ms(1_100)).await;
    assert!(has(&store).await);
    // One for each of these questions, and none for the store.
    assert_eq!(made().await, before + 1);
}

#[test]
fn databases_are_reached_again() {
    let home = home(2);
    for database in home.block_on(databases()) {
        println!("{}", database.name());
        in_a_runtime_that_stands_still(async || Sql::connect(database.url()).await.unwrap(), &home);
    }
}

#[test]
fn a_cluster_is_reached_again() {
    let home = home(2);
    let cluster = home.block_on(RedisCluster::start());
    in_a_runtime_that_stands_still(async || Redis::connect(cluster.url()).await.unwrap(), &home);
}

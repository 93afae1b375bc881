//! Look-ups of a server that does not answer are given up when their budget is spent, whoever watches the time.

use std::time::Duration;

use cached_runtime::stores::Redis;
use cached_runtime::{Store, TimeBudget};
use cached_tests::RedisServer;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, advance, pause, timeout};

use crate::looking::{begin, look, ms, take_both_seats};

/// How exactly the time is told.
const EXACTLY: Duration = Duration::from_millis(2);

/// A store whose server has fallen silent while two look-ups without a budget are under way, so that all others wait. After a
/// second the connection is given up.
async fn silent(server: &RedisServer) -> Redis {
    let store = Redis::connect(server.url()).await.unwrap();
    server.pause();
    for key in ["shop:1", "shop:2"] {
        let store = store.clone();
        tokio::spawn(async move { store.get(key).await });
    }
    yield_now().await;
    watched(&store).await;
    store
}

/// From now on time goes by only where all tasks of this runtime wait for it, and one of them watches over the look-ups, of
/// which one waits for an hour.
async fn watched(store: &Redis) {
    pause();
    let mut waiting = Box::pin(look(store, ms(3_600_000)));
    begin(&mut waiting).await;
    tokio::spawn(waiting);
    for _ in 0..3 {
        yield_now().await;
    }
}

/// How long it takes until a look-up is given up.
async fn given_up(store: Redis, budget: Duration) -> Duration {
    let begun = Instant::now();
    let answer = timeout(ms(60_000), look(&store, budget)).await.expect("it hangs");
    assert!(answer.is_none(), "{answer:?}");
    begun.elapsed()
}

#[track_caller]
fn assert_in_time(elapsed: Duration, budget: Duration) {
    assert!(
        elapsed >= budget && elapsed <= budget + EXACTLY,
        "{elapsed:?} instead of {budget:?}"
    );
}

#[tokio::test]
async fn each_of_those_who_wait_together_has_a_budget_of_its_own() {
    let server = RedisServer::start().await;
    let store = silent(&server).await;
    let mut calls = JoinSet::new();
    for budget in [0, 1, 9, 15, 39, 40, 41, 100, 500, 900].map(ms) {
        let store = store.clone();
        calls.spawn(async move { (given_up(store, budget).await, budget) });
    }
    for (elapsed, budget) in calls.join_all().await {
        assert_in_time(elapsed, budget);
    }
}

#[tokio::test]
async fn so_has_who_comes_when_the_others_have_waited_for_long() {
    let server = RedisServer::start().await;
    let store = silent(&server).await;
    let first = tokio::spawn(given_up(store.clone(), ms(900)));
    yield_now().await;
    for waited in [1, 10, 11, 20, 50].map(ms) {
        advance(waited).await;
        assert_in_time(given_up(store.clone(), ms(100)).await, ms(100));
    }
    assert_in_time(first.await.unwrap(), ms(900));
}

/// More than one batch, of which none has been sent.
#[tokio::test]
async fn so_have_a_thousand() {
    let server = RedisServer::start().await;
    let store = silent(&server).await;
    let mut calls = JoinSet::new();
    for _ in 0..1000 {
        calls.spawn(given_up(store.clone(), ms(250)));
    }
    for elapsed in calls.join_all().await {
        assert_in_time(elapsed, ms(250));
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Who waits in the same batch as another, whose runtime watches the time.
fn in_two_runtimes(then: impl FnOnce(Runtime)) -> Duration {
    let (home, first, second) = (runtime(), runtime(), runtime());
    let server = home.block_on(RedisServer::start());
    let store = home.block_on(Redis::connect(server.url())).unwrap();
    server.pause();
    let _held = home.block_on(take_both_seats(&store, ms(3_600_000)));
    first.block_on(watched(&store));
    let waiting_in = store.clone();
    let waiting = second.spawn(async {
        pause();
        given_up(waiting_in, ms(500)).await
    });
    second.block_on(yield_now());
    then(first);
    second.block_on(waiting).unwrap()
}

#[test]
fn who_waits_in_another_runtime_than_the_one_that_watches_the_time_gives_up_when_that_has_ended() {
    let elapsed = in_two_runtimes(drop);
    assert_in_time(elapsed, ms(500));
}

#[test]
fn and_when_it_stands_still() {
    let mut kept = None;
    let elapsed = in_two_runtimes(|first| kept = Some(first));
    assert_in_time(elapsed, ms(500));
}

/// He was woken to watch the time himself, and before he is polled somebody else makes another runtime watch over the batch.
#[test]
fn who_has_been_woken_does_not_rely_on_the_next_watch() {
    let (first, second) = (runtime(), runtime());
    let server = first.block_on(RedisServer::start());
    let store = first.block_on(silent(&server));
    let mut waiting = Box::pin(look(&store, ms(500)));
    let begun = first.block_on(async {
        begin(&mut waiting).await;
        let begun = Instant::now();
        for _ in 0..4 {
            advance(ms(10)).await;
            yield_now().await;
        }
        begun
    });
    let mut others = [look(&store, ms(5_000)), look(&store, ms(5_000))].map(Box::pin);
    second.block_on(async {
        for other in &mut others {
            begin(other).await;
            for _ in 0..3 {
                yield_now().await;
            }
        }
    });
    first.block_on(async {
        assert!(timeout(ms(60_000), waiting).await.expect("it hangs").is_none());
        assert_in_time(begun.elapsed(), ms(500));
    });
}

/// The task that is to watch has been made by a look-up whose task blocks its thread from then on.
#[test]
fn who_waits_beside_a_task_that_blocks_gives_up() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(RedisServer::start());
    let store = runtime.block_on(Redis::connect(server.url())).unwrap();
    server.pause();
    let _held = runtime.block_on(take_both_seats(&store, ms(3_600_000)));
    let mut first = Box::pin(look(&store, ms(200)));
    let (begun, blocks) = std::sync::mpsc::channel();
    let (done, ends) = std::sync::mpsc::channel::<()>();
    let blocking = runtime.spawn(async move {
        begin(&mut first).await;
        begun.send(()).unwrap();
        let _ = ends.recv();
    });
    blocks.recv().unwrap();
    let all: Vec<_> = (0..3).map(|_| runtime.spawn(look(&store, ms(200)))).collect();
    runtime.block_on(async {
        for one in all {
            let answer = timeout(ms(900), one).await.expect("it waits for who blocks");
            assert!(answer.unwrap().is_none());
        }
    });
    drop(done);
    runtime.block_on(blocking).unwrap();
}

/// As of synchronous code, which blocks on one call after the other: what it leaves to be done is done where the connection
/// is.
#[test]
fn a_runtime_that_stands_still_keeps_nobody_from_being_answered() {
    let server_runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let server = server_runtime.block_on(RedisServer::start());
    let store = server_runtime.block_on(Redis::connect(server.url())).unwrap();
    let (first, second) = (runtime(), runtime());
    let held = first.block_on(take_both_seats(&store, ms(5_000)));
    for seat in held {
        let waiting = second.spawn(look(&store, ms(5_000)));
        second.block_on(yield_now());
        assert!(matches!(first.block_on(seat), Some(Ok(_))));
        assert!(matches!(second.block_on(waiting).unwrap(), Some(Ok(_))));
    }
    for _ in 0..3 {
        assert!(matches!(second.block_on(look(&store, ms(5_000))), Some(Ok(_))));
    }
}

/// Nothing is left that keeps the store, once nobody waits any more.
#[tokio::test]
async fn who_is_answered_is_watched_over_no_longer() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    for _ in 0..20 {
        let mut calls = JoinSet::new();
        for n in 0..300 {
            let store = store.clone();
            calls.spawn(async move {
                let budget = TimeBudget::since(Instant::now(), ms(5_000));
                store.get_within(&format!("shop:{n}"), true, budget).await
            });
        }
        assert!(
            calls
                .join_all()
                .await
                .iter()
                .all(|answer| matches!(answer, Some(Ok(_))))
        );
    }
    let clients = async || server.cli::<String>(&["CLIENT", "LIST"]).await.lines().count();
    assert!(clients().await > 1);
    drop(store);
    let gone = async {
        while clients().await > 1 {
            yield_now().await;
        }
    };
    timeout(ms(5_000), gone).await.expect("its connections stay open");
}

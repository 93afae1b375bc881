//! Look-ups of a server that does not answer are given up when their budget is spent, whoever watches the time.

use std::time::Duration;

use cached_runtime::stores::Redis;
use cached_runtime::{Store, TimeBudget};
use cached_tests::RedisServer;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, advance, pause, timeout};

/// How exactly the time is told.
const EXACTLY: Duration = Duration::from_millis(2);

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A store whose server has fallen silent while two look-ups without a budget are under way, so that all others wait.
/// From then on time goes by only where all tasks wait for it. After a second of it the connection is given up.
async fn silent(server: &RedisServer) -> Redis {
    let store = Redis::connect(server.url()).await.unwrap();
    server.pause();
    for key in ["shop:1", "shop:2"] {
        let store = store.clone();
        tokio::spawn(async move { store.get(key).await });
    }
    yield_now().await;
    pause();
    store
}

/// How long it takes until a look-up is given up.
async fn given_up(store: Redis, budget: Duration) -> Duration {
    let begun = Instant::now();
    let answer = store.get_within("shop:a", false, TimeBudget::since(begun, budget));
    let answer = timeout(ms(60_000), answer).await.expect("it hangs");
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

/// One after the other: two who wait in the same batch, in two runtimes.
fn in_two_runtimes(then: impl FnOnce(Runtime)) -> Duration {
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let server = second.block_on(RedisServer::start());
    let store = second.block_on(silent(&server));
    first.block_on(async {
        tokio::spawn(given_up(store.clone(), ms(60_000)));
        yield_now().await;
    });
    let waiting = second.spawn(given_up(store, ms(500)));
    second.block_on(yield_now());
    then(first);
    second.block_on(waiting).unwrap()
}

#[test]
fn who_waits_in_another_runtime_than_the_one_that_watches_the_time_gives_up_when_that_has_ended() {
    assert_in_time(in_two_runtimes(drop), ms(500));
}

#[test]
fn and_when_it_stands_still() {
    let mut kept = None;
    let elapsed = in_two_runtimes(|first| kept = Some(first));
    assert_in_time(elapsed, ms(500));
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

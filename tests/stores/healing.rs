//! The connection of the Redis store: servers that are down, hang, hang up, come back, or talk nonsense.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use cached_runtime::stores::Redis;
use cached_runtime::{ErrorKind, Filled, Lookup, Store};
use cached_tests::{Fault, FaultProxy, RedisServer, free_port};
use tokio::time::{sleep, timeout};

use crate::redis::missing;

const AT_ONCE: Duration = Duration::from_millis(200);

async fn through(proxy: &FaultProxy) -> Redis {
    Redis::connect(format!("redis://127.0.0.1:{}", proxy.port()))
        .await
        .unwrap()
}

/// How long it takes until the store serves.
async fn heals(store: &Redis) -> Duration {
    let begun = Instant::now();
    while let Err(error) = store.ping().await {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{error:?}");
        sleep(Duration::from_millis(2)).await;
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_server_that_is_down_is_no_error_and_each_call_fails_at_once() {
    let begun = Instant::now();
    let store = Redis::connect(format!("redis://127.0.0.1:{}", free_port()))
        .await
        .unwrap();
    for _ in 0..100 {
        assert_eq!(
            store.get("shop:a").await.unwrap_err().kind(),
            ErrorKind::Unavailable
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let nowhere = Redis::connect("unix:///nonexistent/redis.sock").await.unwrap();
    assert_eq!(nowhere.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn ten_thousand_callers_of_a_server_that_is_down_fail_at_once() {
    let store = Redis::connect(format!("redis://127.0.0.1:{}", free_port()))
        .await
        .unwrap();
    let begun = Instant::now();
    let calls: Vec<_> = (0..10_000)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.get("shop:a").await.is_err() })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap());
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_first_call_after_a_restart_is_served() {
    for mut server in [RedisServer::start().await, RedisServer::unix().await] {
        let store = Redis::connect(server.url()).await.unwrap();
        store.put("shop:a", b"1", None).await.unwrap();
        server.stop();
        // Nobody calls while it is down, so nothing but the hang-up itself can tell.
        server.start_again().await;
        let token = missing(&store, "shop:a").await;
        assert_eq!(
            store.fill("shop:a", b"2", None, &token).await.unwrap(),
            Filled::Stored
        );
    }
}

#[tokio::test]
async fn a_server_first_reached_later_is_used_as_soon_as_it_serves() {
    let mut server = RedisServer::start().await;
    let url = server.url();
    server.stop();
    let store = Redis::connect(&url).await.unwrap();
    assert!(store.ping().await.is_err());
    server.start_again().await;
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_load_heals_and_no_call_hangs() {
    let mut server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    let (served, slowest) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..64)
        .map(|caller: u32| {
            let (store, served, slowest) = (store.clone(), Arc::clone(&served), Arc::clone(&slowest));
            tokio::spawn(async move {
                loop {
                    let begun = Instant::now();
                    let key = format!("shop:{}", caller % 8);
                    let done = match store.get(&key).await {
                        Ok(Lookup::Missing(token)) => store
                            .fill(&key, b"1", Some(Duration::from_millis(5)), &token)
                            .await
                            .map(|_| ()),
                        Ok(Lookup::Found(_)) => Ok(()),
                        Err(error) => Err(error),
                    };
                    let took = u64::try_from(begun.elapsed().as_millis()).unwrap();
                    slowest.fetch_max(took, Relaxed);
                    match done {
                        Ok(()) => drop(served.fetch_add(1, Relaxed)),
                        Err(error) => {
                            assert!(matches!(error.kind(), ErrorKind::Unavailable), "{error:?}");
                            sleep(Duration::from_millis(1)).await;
                        }
                    }
                }
            })
        })
        .collect();
    for _ in 0..3 {
        sleep(Duration::from_millis(100)).await;
        server.stop();
        sleep(Duration::from_millis(100)).await;
        server.start_again().await;
        let before = served.load(Relaxed);
        let back = Instant::now();
        while served.load(Relaxed) == before {
            assert!(
                back.elapsed() < AT_ONCE,
                "not served {AT_ONCE:?} after the return"
            );
            sleep(Duration::from_millis(1)).await;
        }
    }
    for caller in callers {
        assert!(!caller.is_finished(), "{:?}", caller.await);
        caller.abort();
    }
    let slowest = Duration::from_millis(slowest.load(Relaxed));
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_dialled_again_before_the_next_call() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::to(server.port()).await;
    let store = through(&proxy).await;
    for _ in 0..5 {
        store.ping().await.unwrap();
        proxy.set(Fault::Cut);
        sleep(Duration::from_millis(20)).await;
        proxy.set(Fault::None);
        store.ping().await.unwrap();
    }
}

#[tokio::test]
async fn a_call_that_is_not_answered_fails_and_its_connection_is_replaced() {
    let server = RedisServer::start().await;
    for fault in [Fault::Hang, Fault::Mute] {
        let proxy = FaultProxy::to(server.port()).await;
        let store = through(&proxy).await;
        proxy.set(fault);
        let begun = Instant::now();
        assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        proxy.set(Fault::None);
        store.ping().await.unwrap();
        assert_eq!(
            proxy.accepted(),
            2,
            "the connection that fell silent was used again"
        );
    }
}

#[tokio::test]
async fn silence_is_noticed_although_every_caller_was_dropped_before_it_was_certain() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::to(server.port()).await;
    let store = through(&proxy).await;
    proxy.set(Fault::Mute);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(900) {
        let _ = timeout(Duration::from_millis(50), store.get("shop:a"))
            .await
            .unwrap_err();
    }
    proxy.set(Fault::None);
    sleep(Duration::from_millis(150)).await;
    timeout(AT_ONCE, store.get("shop:a")).await.unwrap().unwrap();
    // The shared connection and the one for look-ups, and what has replaced them.
    assert!(proxy.accepted() <= 4, "{} connections", proxy.accepted());
}

#[tokio::test]
async fn a_paused_server_costs_its_callers_their_patience_and_no_more() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    store.put("shop:a", b"1", None).await.unwrap();
    server.pause();
    for _ in 0..20 {
        let patience = Duration::from_millis(20);
        let begun = Instant::now();
        assert!(timeout(patience, store.get("shop:a")).await.is_err());
        assert!(begun.elapsed() < patience * 5);
    }
    server.resume();
    assert!(heals(&store).await < AT_ONCE);
    assert!(matches!(store.get("shop:a").await.unwrap(), Lookup::Found(_)));
}

#[tokio::test]
async fn a_handshake_slower_than_its_callers_still_ends_in_a_connection() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::to(server.port()).await;
    let store = through(&proxy).await;
    proxy.set(Fault::Cut);
    sleep(Duration::from_millis(20)).await;
    proxy.set(Fault::Delay(Duration::from_millis(150)));
    let begun = Instant::now();
    while timeout(Duration::from_millis(20), store.ping()).await.is_err() && proxy.accepted() < 2 {}
    sleep(Duration::from_millis(200)).await;
    // What is left is one answer's delay.
    timeout(Duration::from_millis(190), store.ping())
        .await
        .unwrap()
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn nonsense_is_an_error_and_then_forgotten() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::to(server.port()).await;
    let store = through(&proxy).await;
    store.put("shop:a", b"1", None).await.unwrap();
    proxy.set(Fault::Garbage);
    for _ in 0..3 {
        assert!(
            timeout(Duration::from_secs(2), store.get("shop:a"))
                .await
                .unwrap()
                .is_err()
        );
    }
    proxy.set(Fault::None);
    assert!(matches!(store.get("shop:a").await.unwrap(), Lookup::Found(_)));
}

/// Without RESP3 nothing tells of a hang-up but the call that meets it.
#[tokio::test]
async fn over_resp2_the_second_call_after_a_restart_is_served() {
    let mut server = RedisServer::setup()
        .option("rename-command HELLO \"\"")
        .start()
        .await;
    let store = Redis::connect(server.url()).await.unwrap();
    store.ping().await.unwrap();
    server.start_again().await;
    assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_primary_that_lost_its_role_is_left() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::to(server.port()).await;
    let store = through(&proxy).await;
    let _: String = server.cli(&["REPLICAOF", "127.0.0.1", "1"]).await;
    for expected in 1..4 {
        assert!(store.put("shop:a", b"1", None).await.is_err());
        assert_eq!(
            proxy.accepted(),
            expected,
            "each call is made on a connection of its own"
        );
    }
    let _: String = server.cli(&["REPLICAOF", "NO", "ONE"]).await;
    store.put("shop:a", b"1", None).await.unwrap();
}

#[test]
fn a_store_outlives_the_runtime_it_was_made_in() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let (server, store) = first.block_on(async {
        let server = RedisServer::start().await;
        let store = Redis::connect(server.url()).await.unwrap();
        store.put("shop:a", b"1", None).await.unwrap();
        (server, store)
    });
    drop(first);
    for _ in 0..3 {
        assert!(matches!(
            runtime().block_on(store.get("shop:a")).unwrap(),
            Lookup::Found(_)
        ));
    }
    drop(server);
}

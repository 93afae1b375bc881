//! The servers of the Memcached store: down, silent, restarted, talking nonsense, one of several dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use cached_runtime::stores::Memcached;
use cached_runtime::{ErrorKind, Filled, Lookup, Store};
use cached_tests::{Fault, FaultProxy, MemcachedServer, free_port};
use tokio::time::{sleep, timeout};

use crate::memcached::found;
use crate::redis::missing;

const AT_ONCE: Duration = Duration::from_millis(200);
const SOON: Duration = Duration::from_secs(5);

async fn on(server: &MemcachedServer) -> Memcached {
    Memcached::connect([server.address()]).await.unwrap()
}

/// Waits until the store serves.
async fn heals(store: &Memcached) {
    let begun = Instant::now();
    while let Err(error) = store.get("healing").await {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(begun.elapsed() < SOON, "{error:?}");
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_server_that_is_down_fails_ten_thousand_callers_at_once() {
    let store = Memcached::connect([format!("127.0.0.1:{}", free_port())])
        .await
        .unwrap();
    let begun = Instant::now();
    let calls: Vec<_> = (0..10_000)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.get("shop:a").await.unwrap_err().kind() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), ErrorKind::Unavailable);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_first_call_after_a_restart_that_nobody_noticed_is_served() {
    for mut server in [MemcachedServer::start().await, MemcachedServer::unix(&[]).await] {
        let store = on(&server).await;
        store.put("shop:a", b"1", None).await.unwrap();
        server.stop();
        server.start_again().await;
        missing(&store, "shop:a").await;
        store.put("shop:a", b"2", None).await.unwrap();
        assert_eq!(found(&store, "shop:a").await.bytes, b"2");
    }
}

#[tokio::test]
async fn a_restart_under_load_mixes_nothing_up_and_is_over_soon() {
    let mut server = MemcachedServer::start().await;
    let store = on(&server).await;
    let (served, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let workers: Vec<_> = (0..32_u64)
        .map(|worker| {
            let (store, served, failed) = (store.clone(), Arc::clone(&served), Arc::clone(&failed));
            tokio::spawn(async move {
                for round in 0_u64.. {
                    let key = format!("shop:{worker}");
                    let value = [worker.to_be_bytes(), round.to_be_bytes()].concat();
                    let put = store.put(&key, &value, None).await;
                    match (put, store.get(&key).await) {
                        (Ok(()), Ok(Lookup::Found(found))) => {
                            assert_eq!(found.bytes, value);
                            served.fetch_add(1, SeqCst);
                        }
                        // The server has forgotten it, or was away for one of the two.
                        (_, Ok(Lookup::Found(found))) => assert_eq!(found.bytes[..8], worker.to_be_bytes()),
                        (_, Ok(Lookup::Missing(_))) => {}
                        (_, Err(error)) => {
                            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                            failed.fetch_add(1, SeqCst);
                            sleep(Duration::from_millis(1)).await;
                        }
                    }
                    if served.load(SeqCst) > 20_000 && failed.load(SeqCst) > 0 {
                        return;
                    }
                }
            })
        })
        .collect();
    for _ in 0..3 {
        let before = served.load(SeqCst);
        let begun = Instant::now();
        while served.load(SeqCst) < before + 500 && failed.load(SeqCst) == 0 {
            assert!(begun.elapsed() < SOON * 2, "nothing is served");
            sleep(Duration::from_millis(1)).await;
        }
        server.stop();
        sleep(Duration::from_millis(20)).await;
        server.start_again().await;
    }
    heals(&store).await;
    for worker in workers {
        timeout(SOON * 6, worker).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up_and_taken_back() {
    let server = MemcachedServer::start().await;
    let store = on(&server).await;
    server.pause();
    let begun = Instant::now();
    assert_eq!(
        store.get("shop:a").await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert!(
        (200..800).contains(&begun.elapsed().as_millis()),
        "{:?}",
        begun.elapsed()
    );
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(
            store.get("shop:a").await.unwrap_err().kind(),
            ErrorKind::Unavailable
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    server.resume();
    heals(&store).await;
}

/// Whoever is dropped leaves an answer behind, which must be nobody else's.
#[tokio::test]
async fn dropped_calls_leave_the_connection_in_step() {
    let server = MemcachedServer::start().await;
    let proxy = FaultProxy::to(server.port()).await;
    // Given up for being silent, the connection would prove nothing.
    let builder =
        Memcached::builder([format!("127.0.0.1:{}", proxy.port())]).patience(Duration::from_secs(10));
    let store = builder.connect().await.unwrap();
    let large = vec![b'x'; 500_000];
    store.put("shop:large", &large, None).await.unwrap();
    proxy.set(Fault::Delay(Duration::from_millis(2)));
    for round in 0..40_u64 {
        let wait = Duration::from_micros(round * 150);
        let _ = timeout(wait, store.get("shop:large")).await;
        let _ = timeout(wait, store.put("shop:dropped", &large, None)).await;
        let key = format!("shop:{round}");
        store.put(&key, &round.to_be_bytes(), None).await.unwrap();
        assert_eq!(found(&store, &key).await.bytes, round.to_be_bytes());
    }
    assert_eq!(proxy.accepted(), 1, "all on one connection");
}

#[tokio::test]
async fn what_hurts_a_connection_is_an_error_and_heals() {
    let server = MemcachedServer::start().await;
    for fault in [Fault::Garbage, Fault::Hang, Fault::Mute, Fault::Cut] {
        let proxy = FaultProxy::to(server.port()).await;
        let store = Memcached::connect([format!("127.0.0.1:{}", proxy.port())])
            .await
            .unwrap();
        store.ping().await.unwrap();
        proxy.set(fault);
        for _ in 0..20 {
            let begun = Instant::now();
            let error = store.get("shop:a").await.unwrap_err();
            let told = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Store);
            assert!(told, "{fault:?}: {error:?}");
            assert!(begun.elapsed() < Duration::from_millis(800), "{fault:?}");
        }
        proxy.set(Fault::None);
        let begun = Instant::now();
        while store.get("shop:a").await.is_err() {
            assert!(begun.elapsed() < SOON, "{fault:?}");
            sleep(Duration::from_millis(2)).await;
        }
    }
}

#[test]
fn a_store_outlives_the_runtime_that_connected_it() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let (server, store) = first.block_on(async {
        let server = MemcachedServer::start().await;
        let store = on(&server).await;
        store.put("shop:a", b"1", None).await.unwrap();
        (server, store)
    });
    drop(first);
    runtime().block_on(async {
        assert_eq!(found(&store, "shop:a").await.bytes, b"1");
    });
    drop(server);
}

/// A store over three servers, and for each of them a key that it keeps.
async fn three() -> ([MemcachedServer; 3], Memcached, [String; 3]) {
    let servers = [
        MemcachedServer::start().await,
        MemcachedServer::start().await,
        MemcachedServer::start().await,
    ];
    let store = Memcached::connect(servers.iter().map(MemcachedServer::address))
        .await
        .unwrap();
    let key = |part| {
        (0..)
            .map(|n| format!("shop:{n}"))
            .find(|key| store.part_of(key) == part)
            .unwrap()
    };
    let keys = [key(0), key(1), key(2)];
    (servers, store, keys)
}

#[tokio::test]
async fn one_dead_server_of_three_fails_its_own_keys_at_once_and_nobody_serves_them_for_it() {
    let (mut servers, store, keys) = three().await;
    for key in &keys {
        store.put(key, key.as_bytes(), None).await.unwrap();
    }
    servers[1].stop();
    let begun = Instant::now();
    for _ in 0..50 {
        let answers = store.get_many(&keys).await;
        let kinds: Vec<_> = answers
            .iter()
            .map(|answer| answer.as_ref().err().map(cached_runtime::Error::kind))
            .collect();
        assert_eq!(kinds, [None, Some(ErrorKind::Unavailable), None]);
        assert_eq!(found(&store, &keys[0]).await.bytes, keys[0].as_bytes());
        assert_eq!(
            store.put(&keys[1], b"x", None).await.unwrap_err().kind(),
            ErrorKind::Unavailable
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    store.ping().await.unwrap();
    let error = store.remove(&keys).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    missing(&store, &keys[0]).await;
    missing(&store, &keys[2]).await;
    for server in [&servers[0], &servers[2]] {
        assert_eq!(
            server.items().await,
            1,
            "its own lease, and nothing of the dead one's"
        );
    }
}

#[tokio::test]
async fn a_silent_server_of_three_holds_up_no_others() {
    let (servers, store, keys) = three().await;
    servers[2].pause();
    let _ = store.get(&keys[2]).await.unwrap_err();
    for _ in 0..50 {
        let begun = Instant::now();
        missing(&store, &keys[0]).await;
        assert!(begun.elapsed() < AT_ONCE);
        assert!(store.get(&keys[2]).await.is_err());
        assert!(begun.elapsed() < AT_ONCE);
    }
    servers[2].resume();
}

/// The server keeps its memory, and cannot be reached for a while: somebody may have invalidated meanwhile, in vain.
#[tokio::test]
async fn what_a_server_held_while_it_could_not_be_reached_is_void() {
    let server = MemcachedServer::start().await;
    let store = on(&server).await;
    let other = on(&server).await;
    for key in ["shop:a", "shop:b", "shop:c"] {
        store.put(key, b"old", None).await.unwrap();
    }
    server.pause();
    assert!(store.get("shop:a").await.is_err());
    server.resume();
    heals(&store).await;
    let token = missing(&store, "shop:a").await;
    assert_eq!(store.remaining("shop:b").await.unwrap(), None);
    assert!(!store.touch("shop:b", Duration::from_secs(60)).await.unwrap());
    // One that has not noticed goes on, and one that moves the counter on does not make it younger.
    assert_eq!(found(&other, "shop:b").await.bytes, b"old");
    // What is written from now on counts, and a load replaces what does not.
    assert_eq!(
        store.fill("shop:a", b"new", None, &token).await.unwrap(),
        Filled::Stored
    );
    assert_eq!(found(&store, "shop:a").await.bytes, b"new");
    assert_eq!(found(&other, "shop:a").await.bytes, b"new");
    other.put("shop:c", b"new", None).await.unwrap();
    assert_eq!(found(&store, "shop:c").await.bytes, b"new");
    // A connection that is lost without anybody going without an answer is no outage.
    let proxy = FaultProxy::to(server.port()).await;
    let through = Memcached::connect([format!("127.0.0.1:{}", proxy.port())])
        .await
        .unwrap();
    assert_eq!(found(&through, "shop:c").await.bytes, b"new");
    proxy.set(Fault::Cut);
    sleep(Duration::from_millis(50)).await;
    proxy.set(Fault::None);
    assert_eq!(found(&through, "shop:c").await.bytes, b"new");
}

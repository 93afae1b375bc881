//! The Redis store on a cluster: where keys lie, and what happens when that changes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use cached_runtime::stores::Redis;
use cached_runtime::{ErrorKind, Filled, Filling, Lookup, Store, Token};
use cached_tests::{RedisCluster, RedisServer, free_port};
use tokio::time::{sleep, timeout};

use crate::redis::missing;

const SOON: Duration = Duration::from_secs(5);

async fn over(cluster: &RedisCluster) -> Redis {
    Redis::connect(cluster.url()).await.unwrap()
}

async fn fill(store: &Redis, key: &str, bytes: &[u8]) -> Token {
    let token = missing(store, key).await;
    let filled = store.fill(key, bytes, None, &token).await.unwrap();
    assert_eq!(filled, Filled::Stored, "{key}");
    token
}

async fn is_there(store: &Redis, key: &str) -> bool {
    matches!(store.get(key).await.unwrap(), Lookup::Found(_))
}

/// How often each server has read from its connections.
async fn reads(cluster: &RedisCluster) -> Vec<u64> {
    let mut reads = Vec::new();
    for node in cluster.nodes() {
        let info: String = node.cli(&["INFO", "stats"]).await;
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("total_reads_processed:"));
        reads.push(line.unwrap().parse().unwrap());
    }
    reads
}

#[tokio::test]
async fn a_batch_is_one_round_trip_to_each_server() {
    let cluster = RedisCluster::start().await;
    let store = over(&cluster).await;
    let keys: Vec<_> = (0..1000).map(|n| format!("shop:{n}")).collect();
    // The scripts are told.
    store.get_many(&keys[..50]).await;
    let before = reads(&cluster).await;
    let tokens: Vec<_> = store
        .get_many(&keys)
        .await
        .into_iter()
        .map(|answer| match answer.unwrap() {
            Lookup::Missing(token) => token,
            Lookup::Found(found) => panic!("{found:?}"),
        })
        .collect();
    let fills: Vec<_> = keys
        .iter()
        .zip(&tokens)
        .map(|(key, token)| Filling {
            key,
            bytes: key.as_bytes(),
            ttl: None,
            token,
        })
        .collect();
    for filled in store.fill_many(&fills).await {
        assert_eq!(filled.unwrap(), Filled::Stored);
    }
    for (key, answer) in keys.iter().zip(store.get_many(&keys).await) {
        let Lookup::Found(found) = answer.unwrap() else {
            panic!("{key} is not there")
        };
        assert_eq!(found.bytes, key.as_bytes());
    }
    store.remove(&keys).await.unwrap();
    // What travels together arrives in pieces of 16 KiB; a trip for each key would be a thousand reads of each server.
    for (before, after) in before.iter().zip(reads(&cluster).await) {
        assert!(after - before < 60, "{}", after - before);
    }
    assert_eq!(cluster.keys().await, [""; 0]);
}

#[tokio::test]
async fn look_ups_that_wait_at_the_same_moment_travel_together() {
    let cluster = RedisCluster::start().await;
    let store = over(&cluster).await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..500 {
        let store = store.clone();
        calls.spawn(async move {
            let key = format!("shop:{}", n % 300);
            (key.clone(), store.get(&key).await)
        });
    }
    let mut tokens = HashSet::new();
    while let Some(call) = calls.join_next().await {
        let (key, answer) = call.unwrap();
        let Lookup::Missing(token) = answer.unwrap() else {
            panic!("{key} is there")
        };
        if tokens.insert((key.clone(), token.as_bytes().to_vec())) {
            assert_eq!(
                store.fill(&key, b"1", None, &token).await.unwrap(),
                Filled::Stored
            );
        }
    }
    assert_eq!(tokens.len(), 300);
}

#[tokio::test]
async fn patterns_find_their_keys_on_every_primary() {
    let cluster = RedisCluster::start().await;
    let store = over(&cluster).await;
    let mut tokens = Vec::new();
    for n in 0..60 {
        fill(&store, &format!("shop:user:{n}"), b"1").await;
        fill(&store, &format!("shop:page:{n}"), b"1").await;
        let absent = format!("shop:user:absent{n}");
        tokens.push((absent.clone(), missing(&store, &absent).await));
    }
    let is_user = |key: &str| key.starts_with("shop:user:");
    assert_eq!(store.remove_matching("shop:user:*", &is_user).await.unwrap(), 60);
    for (key, token) in tokens {
        assert_eq!(
            store.fill(&key, b"stale", None, &token).await.unwrap(),
            Filled::Refused
        );
    }
    assert!(
        cluster
            .keys()
            .await
            .iter()
            .all(|key| key.starts_with("shop:page:"))
    );
    assert_eq!(store.remove_matching("shop:*", &|_| true).await.unwrap(), 60);
    assert_eq!(cluster.keys().await, [""; 0]);
}

/// What a user puts between braces keeps entries together; what else has braces must not come apart from its lease.
#[tokio::test]
async fn keys_with_braces_keep_every_promise() {
    let cluster = RedisCluster::start().await;
    let store = over(&cluster).await;
    let keys = [
        "shop:cart:{42}:total",
        "shop:cart:{42}:lines",
        "shop:}a",
        "shop:{",
        "shop:{}",
        "shop:{}{x}",
        "shop:a}b{c}d",
        "shop:{{x}}",
        "shop:{x}:lease",
        "shop:1}{2",
    ]
    .map(str::to_owned);
    assert_eq!(cluster.slot_of(&keys[0]).await, cluster.slot_of(&keys[1]).await);
    for round in 0..2 {
        for key in &keys {
            let token = missing(&store, key).await;
            assert_eq!(missing(&store, key).await, token, "{key}");
            if round == 0 {
                store.remove(std::slice::from_ref(key)).await.unwrap();
            } else {
                let matching = |found: &str| found == key;
                assert_eq!(store.remove_matching("shop:*", &matching).await.unwrap(), 0);
            }
            let refused = store.fill(key, b"stale", None, &token).await.unwrap();
            assert_eq!(refused, Filled::Refused, "{key}");
            fill(&store, key, key.as_bytes()).await;
            let token = store.reserve(key).await.unwrap();
            store.put(key, key.as_bytes(), None).await.unwrap();
            let refused = store.fill(key, b"stale", None, &token).await.unwrap();
            assert_eq!(refused, Filled::Refused, "{key}");
        }
        for (key, answer) in keys.iter().zip(store.get_many(&keys).await) {
            let Lookup::Found(found) = answer.unwrap() else {
                panic!("{key} is not there")
            };
            assert_eq!(found.bytes, key.as_bytes());
        }
        assert_eq!(store.remove_matching("shop:*", &|_| true).await.unwrap(), 10);
        assert_eq!(cluster.keys().await, [""; 0]);
    }
}

#[tokio::test]
async fn scripts_are_told_again_to_servers_that_forgot_them() {
    let cluster = RedisCluster::start().await;
    let store = over(&cluster).await;
    let keys: Vec<_> = (0..30).map(|n| format!("shop:{n}")).collect();
    for _ in 0..2 {
        for node in cluster.nodes() {
            let _: String = node.cli(&["SCRIPT", "FLUSH"]).await;
        }
        assert!(store.get_many(&keys).await.iter().all(Result::is_ok));
        for node in cluster.nodes() {
            let _: String = node.cli(&["SCRIPT", "FLUSH"]).await;
        }
        store.put("shop:a", b"1", None).await.unwrap();
        assert!(is_there(&store, "shop:a").await);
    }
}

#[tokio::test]
async fn a_slot_is_moved_while_it_is_used() {
    let cluster = RedisCluster::start().await;
    let store = over(&cluster).await;
    let (here, gone) = ("shop:{x}:here", "shop:{x}:gone");
    let (slot, from) = (cluster.slot_of(here).await, cluster.primary_of(here).await);
    let to = (from + 1) % 3;
    fill(&store, here, b"1").await;
    fill(&store, gone, b"1").await;
    let token = missing(&store, "shop:{x}:late").await;
    cluster.open_slot(slot, from, to).await;
    // Present keys are served, on whichever side they are.
    assert!(is_there(&store, here).await);
    assert!(is_there(&store, gone).await);
    // Absent ones cannot be filled for now, and leave nothing in the way of what is still to come.
    for key in ["shop:{x}:late", "shop:{x}:never"] {
        let error = store.get(key).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
    assert!(store.fill("shop:{x}:late", b"1", None, &token).await.is_err());
    store.remove(&[gone.to_owned()]).await.unwrap();
    assert!(store.get(gone).await.is_err());
    cluster.move_keys(slot, from, to).await;
    assert!(is_there(&store, here).await);
    assert!(matches!(
        store.get_many(&[here.to_owned()]).await[..],
        [Ok(Lookup::Found(_))]
    ));
    // The removal finds the lease on the other side.
    store
        .remove(&["shop:{x}:late".to_owned(), here.to_owned()])
        .await
        .unwrap();
    cluster.close_slot(slot, from, to).await;
    assert_eq!(
        store.fill("shop:{x}:late", b"stale", None, &token).await.unwrap(),
        Filled::Refused
    );
    missing(&store, here).await;
    fill(&store, gone, b"2").await;
    assert_eq!(cluster.node(to).cli::<i64>(&["EXISTS", gone]).await, 1);
}

#[tokio::test]
async fn a_pattern_finds_what_is_on_its_way_to_a_new_server() {
    let mut cluster = RedisCluster::start().await;
    let store = over(&cluster).await;
    let key = "shop:{x}:a";
    let (slot, from) = (cluster.slot_of(key).await, cluster.primary_of(key).await);
    fill(&store, key, b"1").await;
    let token = missing(&store, "shop:{x}:b").await;
    let to = cluster.add().await;
    cluster.open_slot(slot, from, to).await;
    cluster.move_keys(slot, from, to).await;
    assert_eq!(store.remove_matching("shop:*", &|_| true).await.unwrap(), 1);
    cluster.close_slot(slot, from, to).await;
    let filled = store.fill("shop:{x}:b", b"stale", None, &token).await;
    assert_eq!(filled.unwrap(), Filled::Refused);
    missing(&store, key).await;
}

/// Slots go to and fro under readers and a writer. No look-up that begins after a removal may find what was there before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_outlives_its_removal_while_slots_move() {
    let cluster = RedisCluster::start().await;
    let store = over(&cluster).await;
    let key = "shop:{x}:a";
    let (slot, home) = (cluster.slot_of(key).await, cluster.primary_of(key).await);
    let (version, removed) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicU64::new(0)));
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for _ in 0..3 {
        let (store, version, removed, done) = (store.clone(), version.clone(), removed.clone(), done.clone());
        readers.push(tokio::spawn(async move {
            let (mut hits, mut stale) = (0_u64, 0_u64);
            while !done.load(SeqCst) {
                let oldest = removed.load(SeqCst);
                match store.get(key).await {
                    Ok(Lookup::Found(found)) => {
                        hits += 1;
                        let found: u64 = String::from_utf8(found.bytes).unwrap().parse().unwrap();
                        stale += u64::from(found < oldest);
                    }
                    Ok(Lookup::Missing(token)) => {
                        let read = version.load(SeqCst).to_string();
                        tokio::task::yield_now().await;
                        let _ = store.fill(key, read.as_bytes(), None, &token).await;
                    }
                    Err(_) => tokio::task::yield_now().await,
                }
            }
            (hits, stale)
        }));
    }
    let writer = {
        let (store, done) = (store.clone(), done.clone());
        tokio::spawn(async move {
            let mut refused = 0;
            while !done.load(SeqCst) {
                let next = version.fetch_add(1, SeqCst) + 1;
                while let Err(error) = store.remove(&[key.to_owned()]).await {
                    refused += 1;
                    assert!(refused < 1000, "{error:?}");
                    sleep(Duration::from_millis(1)).await;
                }
                removed.store(next, SeqCst);
                sleep(Duration::from_millis(1)).await;
            }
        })
    };
    let begun = Instant::now();
    let mut at = home;
    while begun.elapsed() < Duration::from_secs(2) {
        let to = (at + 1) % 3;
        cluster.open_slot(slot, at, to).await;
        sleep(Duration::from_millis(5)).await;
        cluster.move_keys(slot, at, to).await;
        cluster.close_slot(slot, at, to).await;
        sleep(Duration::from_millis(20)).await;
        at = to;
    }
    done.store(true, SeqCst);
    writer.await.unwrap();
    let mut hits = 0;
    for reader in readers {
        let (found, stale) = reader.await.unwrap();
        assert_eq!(stale, 0, "of {found} hits");
        hits += found;
    }
    assert!(hits > 100, "{hits}");
}

#[tokio::test]
async fn a_primary_that_dies_is_replaced_and_meanwhile_the_others_serve() {
    let mut cluster = RedisCluster::with_replicas(1).await;
    let store = over(&cluster).await;
    let (lost, kept) = (cluster.key_on(0, "shop:").await, cluster.key_on(1, "shop:").await);
    let untouched = cluster.key_on(0, "shop:untouched").await;
    for key in [&lost, &kept, &untouched] {
        fill(&store, key, b"1").await;
    }
    cluster.node(0).wait_for_copy(cluster.node(3)).await;
    cluster.node_mut(0).stop();
    let error = store.get(&lost).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let both = [lost.clone(), kept.clone()];
    let answers = store.get_many(&both).await;
    assert!(
        matches!(&answers[..], [Err(_), Ok(Lookup::Found(_))]),
        "{answers:?}"
    );
    assert!(store.remove(&both).await.is_err(), "half of it is not done");
    assert!(store.remove_matching("shop:*", &|_| true).await.is_err());
    missing(&store, &kept).await;
    store.ping().await.unwrap();
    cluster.wait_for_promotion(3).await;
    let begun = Instant::now();
    while let Err(error) = store.get(&lost).await {
        assert!(begun.elapsed() < SOON, "{error:?}");
        sleep(Duration::from_millis(10)).await;
    }
    assert!(is_there(&store, &untouched).await, "the replica has it");
    // What was removed without success lately is removed by then.
    missing(&store, &lost).await;
    store.remove(&both).await.unwrap();
    fill(&store, &lost, b"2").await;
    assert_eq!(cluster.node(3).cli::<i64>(&["EXISTS", &lost]).await, 1);
    // It comes back as the replica of its replica, and is not written to.
    cluster.node_mut(0).start_again().await;
    assert!(is_there(&store, &lost).await);
    assert_eq!(store.remove_matching("shop:*", &|_| true).await.unwrap(), 2);
}

/// A successor that has not heard of the last removals is told of them before anything is read from it.
#[tokio::test]
async fn what_a_replaced_primary_was_told_is_not_lost() {
    let cluster = RedisCluster::with_replicas(1).await;
    let store = over(&cluster).await;
    let mut keys = Vec::new();
    for name in ["removed", "replaced", "matched", "kept"] {
        let key = cluster.key_on(0, &format!("shop:{name}:")).await;
        fill(&store, &key, b"old").await;
        keys.push(key);
    }
    let [removed, replaced, matched, kept] = <[String; 4]>::try_from(keys).unwrap();
    let absent = cluster.key_on(0, "shop:absent:").await;
    let token = missing(&store, &absent).await;
    let (primary, replica) = (cluster.node(0), cluster.node(3));
    primary.wait_for_copy(replica).await;
    let _: String = primary
        .cli(&["ACL", "SETUSER", "default", "-psync", "-sync"])
        .await;
    let _: i64 = primary.cli(&["CLIENT", "KILL", "TYPE", "replica"]).await;
    store.remove(&[removed.clone(), absent.clone()]).await.unwrap();
    store.put(&replaced, b"new", None).await.unwrap();
    assert_eq!(
        store.remove_matching("shop:matched:*", &|_| true).await.unwrap(),
        1
    );
    assert_eq!(
        replica.cli::<i64>(&["DBSIZE"]).await,
        5,
        "it has heard of nothing"
    );
    let _: String = replica.cli(&["CLUSTER", "FAILOVER", "TAKEOVER"]).await;
    let begun = Instant::now();
    let probe = cluster.key_on(0, "shop:probe:").await;
    while !replica.has(&probe).await {
        assert!(begun.elapsed() < SOON, "still at the old primary");
        let _ = store.put(&probe, b"1", None).await;
        for key in [&removed, &matched] {
            assert!(!matches!(store.get(key).await, Ok(Lookup::Found(_))), "{key}");
        }
    }
    for key in [&removed, &replaced, &matched] {
        missing(&store, key).await;
    }
    assert!(is_there(&store, &kept).await);
    assert_eq!(
        store.fill(&absent, b"old", None, &token).await.unwrap(),
        Filled::Refused
    );
}

#[tokio::test]
async fn a_primary_that_hangs_holds_up_nobody_for_long_and_nobody_else() {
    let cluster = RedisCluster::start().await;
    let store = over(&cluster).await;
    let (lost, kept) = (cluster.key_on(0, "shop:").await, cluster.key_on(1, "shop:").await);
    for key in [&lost, &kept] {
        fill(&store, key, b"1").await;
    }
    cluster.node(0).pause();
    let begun = Instant::now();
    for _ in 0..5 {
        assert!(store.get(&lost).await.is_err());
    }
    assert!(
        begun.elapsed() < Duration::from_millis(1200),
        "{:?}",
        begun.elapsed()
    );
    for _ in 0..100 {
        let answer = timeout(Duration::from_millis(200), store.get(&kept)).await;
        assert!(matches!(answer, Ok(Ok(Lookup::Found(_)))), "{answer:?}");
    }
    cluster.node(0).resume();
    let begun = Instant::now();
    while let Err(error) = store.get(&lost).await {
        assert!(begun.elapsed() < SOON, "{error:?}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_cluster_that_is_down_is_no_error_at_first_and_is_found_when_it_comes() {
    let mut cluster = RedisCluster::start().await;
    let url = cluster.url();
    for n in 0..3 {
        cluster.node_mut(n).stop();
    }
    let begun = Instant::now();
    let store = Redis::connect(&url).await.unwrap();
    for _ in 0..100 {
        assert_eq!(
            store.get("shop:a").await.unwrap_err().kind(),
            ErrorKind::Unavailable
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(store.ping().await.is_err());
    for n in 0..3 {
        cluster.node_mut(n).start_again().await;
    }
    let begun = Instant::now();
    while let Err(error) = store.ping().await {
        assert!(begun.elapsed() < SOON, "{error:?}");
        sleep(Duration::from_millis(10)).await;
    }
    while let Err(error) = store.get("shop:a").await {
        assert!(begun.elapsed() < 2 * SOON, "{error:?}");
        sleep(Duration::from_millis(10)).await;
    }
    store.close().await;
    assert_eq!(store.get("shop:a").await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn what_cannot_be_right_is_an_error_at_once() {
    let server = RedisServer::with_password("shop", "s3cret").await;
    let url = server.url().replace("redis://", "redis-cluster://");
    for (url, why) in [
        (url.clone(), "not one of a cluster"),
        (url.replace("s3cret", "s3cretno"), "credentials"),
    ] {
        let error = Redis::connect(&url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
        assert!(error.to_string().contains(why), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    let nowhere = format!("redis-cluster://127.0.0.1:{}", free_port());
    let store = Redis::connect(nowhere).await.unwrap();
    assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
    // Somebody gives the address of one node as that of a server.
    let cluster = RedisCluster::start().await;
    let store = Redis::connect(cluster.node(0).url()).await.unwrap();
    let elsewhere = cluster.key_on(1, "shop:").await;
    let error = store.get(&elsewhere).await.unwrap_err();
    assert!(error.to_string().contains("redis-cluster://"), "{error:?}");
}

//! The Redis store behind sentinels: fail-overs, and what sentinels may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use cached_runtime::stores::Redis;
use cached_runtime::{ErrorKind, Filled, Filling, Lookup, Store};
use cached_tests::{RedisSentinel, RedisServer, free_port};
use tokio::time::sleep;

use crate::redis::missing;

const SOON: Duration = Duration::from_secs(5);

/// Waits until the store takes writes, and says how long that took.
async fn takes_writes(store: &Redis) -> Duration {
    let begun = Instant::now();
    while let Err(error) = store.put("shop:probe", b"1", None).await {
        assert!(begun.elapsed() < SOON, "{error:?}");
        sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_master_that_dies_is_replaced_without_a_restart() {
    let mut sentinels = RedisSentinel::start().await;
    let store = Redis::connect(sentinels.url()).await.unwrap();
    let token = missing(&store, "shop:kept").await;
    store.fill("shop:kept", b"1", None, &token).await.unwrap();
    sentinels.server(0).wait_for_copy(sentinels.server(1)).await;
    sentinels.server_mut(0).stop();
    assert_eq!(
        store.get("shop:kept").await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    sentinels.wait_for_master(1).await;
    assert!(takes_writes(&store).await < SOON);
    assert!(matches!(store.get("shop:kept").await.unwrap(), Lookup::Found(_)));
    store.remove(&["shop:kept".to_owned()]).await.unwrap();
    let token = missing(&store, "shop:kept").await;
    assert_eq!(
        store.fill("shop:kept", b"2", None, &token).await.unwrap(),
        Filled::Stored
    );
    assert_eq!(
        sentinels.server(1).cli::<String>(&["GET", "shop:kept"]).await,
        "2"
    );
}

/// The old master was out of everybody's sight but this process's: it would go on to take what is sent to it.
#[tokio::test]
async fn a_master_that_the_sentinels_have_given_up_is_left_though_it_answers() {
    let sentinels = RedisSentinel::start().await;
    let store = Redis::connect(sentinels.url()).await.unwrap();
    store.put("shop:a", b"1", None).await.unwrap();
    let old = sentinels.server(0);
    // Sentinels and replicas speak to it by these; clients by none of them.
    for command in ["PING", "INFO", "PUBLISH"] {
        let denied = format!("-{command}");
        let _: String = old.cli(&["ACL", "SETUSER", "default", &denied]).await;
    }
    sentinels.wait_for_master(1).await;
    let begun = Instant::now();
    loop {
        store.put("shop:b", b"1", None).await.unwrap_or_default();
        if sentinels.server(1).cli::<i64>(&["EXISTS", "shop:b"]).await == 1 {
            break;
        }
        assert!(begun.elapsed() < SOON, "still at the old master");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_a_demoted_master_was_told_is_not_lost() {
    let sentinels = RedisSentinel::start().await;
    let store = Redis::connect(sentinels.url()).await.unwrap();
    for key in ["shop:removed", "shop:replaced", "shop:matched", "shop:kept"] {
        let token = missing(&store, key).await;
        store.fill(key, b"old", None, &token).await.unwrap();
    }
    let token = missing(&store, "shop:absent").await;
    sentinels.server(0).wait_for_copy(sentinels.server(1)).await;
    // From now on the replica hears of nothing.
    let replica = sentinels.server(1);
    let _: String = replica.cli(&["REPLICAOF", "NO", "ONE"]).await;
    store
        .remove(&["shop:removed".to_owned(), "shop:absent".to_owned()])
        .await
        .unwrap();
    store.put("shop:replaced", b"new", None).await.unwrap();
    assert_eq!(store.remove_matching("shop:m*", &|_| true).await.unwrap(), 1);
    assert_eq!(replica.cli::<i64>(&["DBSIZE"]).await, 5);
    sentinels.name_master(1).await;
    let begun = Instant::now();
    while sentinels.server(1).cli::<i64>(&["EXISTS", "shop:probe"]).await == 0 {
        let _ = store.put("shop:probe", b"1", None).await;
        assert!(begun.elapsed() < SOON, "still at the old master");
        sleep(Duration::from_millis(10)).await;
    }
    for key in ["shop:removed", "shop:replaced", "shop:matched"] {
        missing(&store, key).await;
    }
    assert!(matches!(store.get("shop:kept").await.unwrap(), Lookup::Found(_)));
    assert_eq!(
        store.fill("shop:absent", b"old", None, &token).await.unwrap(),
        Filled::Refused
    );
}

/// A writer claims its keys before its body, which may take as long as it likes.
#[tokio::test]
async fn what_was_replaced_long_after_it_was_claimed_is_not_lost() {
    let sentinels = RedisSentinel::start().await;
    let store = Redis::connect(sentinels.url()).await.unwrap();
    let keys = ["shop:one", "shop:many"];
    for key in keys {
        let token = missing(&store, key).await;
        store.fill(key, b"old", None, &token).await.unwrap();
    }
    sentinels.server(0).wait_for_copy(sentinels.server(1)).await;
    let one = store.reserve(keys[0]).await.unwrap();
    let many = store.reserve(keys[1]).await.unwrap();
    let replica = sentinels.server(1);
    let _: String = replica.cli(&["REPLICAOF", "NO", "ONE"]).await;
    // As many as are remembered.
    let others: Vec<String> = (0..65_536).map(|id| format!("shop:other:{id}")).collect();
    store.remove(&others).await.unwrap();
    let filled = store.fill(keys[0], b"new", None, &one).await.unwrap();
    assert_eq!(filled, Filled::Stored);
    let fill = Filling {
        key: keys[1],
        bytes: b"new",
        ttl: None,
        token: &many,
    };
    let filled = store.fill_many(&[fill]).await.remove(0).unwrap();
    assert_eq!(filled, Filled::Stored);
    assert_eq!(replica.cli::<String>(&["GET", keys[0]]).await, "old");
    sentinels.name_master(1).await;
    let begun = Instant::now();
    while sentinels.server(1).cli::<i64>(&["EXISTS", "shop:probe"]).await == 0 {
        let _ = store.put("shop:probe", b"1", None).await;
        assert!(begun.elapsed() < SOON, "still at the old master");
        sleep(Duration::from_millis(10)).await;
    }
    for key in keys {
        missing(&store, key).await;
    }
}

#[tokio::test]
async fn a_demoted_master_is_not_written_to() {
    let sentinels = RedisSentinel::start().await;
    let store = Redis::connect(sentinels.url()).await.unwrap();
    takes_writes(&store).await;
    sentinels.fail_over().await;
    sentinels.wait_for_master(1).await;
    sentinels.wait_for_replica(0).await;
    takes_writes(&store).await;
    store.put("shop:new", b"1", None).await.unwrap();
    assert_eq!(sentinels.server(1).cli::<i64>(&["EXISTS", "shop:new"]).await, 1);
}

/// Versions are counted up, each followed by a removal; no look-up that begins after the removal may find an older one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_outlives_its_removal_while_masters_change() {
    let sentinels = RedisSentinel::start().await;
    let store = Redis::connect(sentinels.url()).await.unwrap();
    let (version, done) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicBool::new(false)));
    let removed = Arc::new(AtomicU64::new(0));
    let reader = |n: usize| {
        let (store, version, removed, done) = (store.clone(), version.clone(), removed.clone(), done.clone());
        tokio::spawn(async move {
            let key = "shop:a";
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
                        if n.is_multiple_of(2) {
                            tokio::task::yield_now().await;
                        }
                        let _ = store.fill(key, read.as_bytes(), None, &token).await;
                    }
                    Err(_) => sleep(Duration::from_millis(1)).await,
                }
            }
            (hits, stale)
        })
    };
    let readers: Vec<_> = (0..4).map(reader).collect();
    let begun = Instant::now();
    let (mut failed_over, mut promoted) = (false, None::<Instant>);
    // Well past the moment at which the old master is left.
    while promoted.is_none_or(|promoted| promoted.elapsed() < Duration::from_secs(2)) {
        assert!(begun.elapsed() < 4 * SOON, "never came back");
        let next = version.fetch_add(1, SeqCst) + 1;
        // A removal that failed is one that the tier above would queue: it is tried until it is made.
        while store.remove(&["shop:a".to_owned()]).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
        removed.store(next, SeqCst);
        if !failed_over && next > 200 {
            failed_over = true;
            sentinels.fail_over().await;
        }
        if failed_over && promoted.is_none() && sentinels.is(1, "master").await {
            promoted = Some(Instant::now());
        }
    }
    done.store(true, SeqCst);
    let mut hits = 0;
    for reader in readers {
        let (found, stale) = reader.await.unwrap();
        assert_eq!(stale, 0, "of {found} hits");
        hits += found;
    }
    assert!(hits > 100, "{hits}");
}

#[tokio::test]
async fn one_sentinel_that_answers_is_enough_and_none_is_an_outage() {
    let mut sentinels = RedisSentinel::start().await;
    let url = sentinels.url();
    for n in 0..2 {
        sentinels.sentinel_mut(n).stop();
    }
    let store = Redis::connect(&url).await.unwrap();
    store.ping().await.unwrap();
    sentinels.sentinel_mut(2).stop();
    // Nobody knows better: what there is goes on.
    store.ping().await.unwrap();
    let late = Redis::connect(&url).await.unwrap();
    let error = late.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    sentinels.sentinel_mut(1).start_again().await;
    late.ping().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_right_is_an_error_at_once_and_tells_no_password() {
    let sentinels = RedisSentinel::with_passwords().await;
    let url = sentinels.url();
    let server = RedisServer::start().await;
    for (url, why) in [
        (url.replace("/shop/", "/stock/"), "do not know"),
        (url.replace("s3cret", "s3cretno"), "credentials"),
        (url.replace("0ther", "0therno"), "credentials"),
        (url.split('?').next().unwrap().to_owned(), "credentials"),
        (url.replace("/shop/0", "/shop/99"), "database"),
        (
            format!("redis-sentinel://127.0.0.1:{}/shop", server.port()),
            "not a sentinel",
        ),
    ] {
        let error = Redis::connect(&url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
        assert!(error.to_string().contains(why), "{error:?}");
        let told = format!("{error} {error:?}");
        assert!(!told.contains("s3cret") && !told.contains("0ther"), "{told}");
    }
    let nowhere = format!("redis-sentinel://127.0.0.1:{}/shop", free_port());
    let store = Redis::connect(nowhere).await.unwrap();
    assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

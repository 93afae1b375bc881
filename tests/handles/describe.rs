//! The settings, each by what it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, SystemTime};

use cached_runtime::stores::Redis;
use cached_runtime::{Cache, Caches, Codec};
use cached_tests::{RedisServer, Source, tier};

use crate::setup::{MINUTE, built, caches, here, on};

async fn ask(cache: &Cache<u64>, source: &Source, key: u64) -> u64 {
    cache
        .entry(key)
        .get_or_load(async || source.load())
        .await
        .unwrap()
}

#[tokio::test]
async fn without_settings_entries_stay_in_a_memory_of_ten_thousand() {
    let (caches, clock) = here();
    let (numbers, source) = (built::<u64>(&caches, "numbers", |it| it), Source::of(1));
    assert_eq!(numbers.name(), "numbers");
    ask(&numbers, &source, 1).await;
    assert_eq!(
        numbers.entry(1).remaining_ttl().await.unwrap(),
        Some(Duration::MAX)
    );
    clock.advance(1_000_000 * MINUTE);
    ask(&numbers, &source, 1).await;
    assert_eq!(source.loads(), 1);
    for key in 0..11_000 {
        numbers.entry(key).insert(key).await.unwrap();
    }
    let entries = numbers.stats().entries;
    assert!((9_000..=10_000).contains(&entries), "{entries}");
}

#[tokio::test]
async fn ttl() {
    let (caches, clock) = here();
    let (numbers, source) = (built(&caches, "numbers", |it| it.ttl(MINUTE)), Source::of(1));
    ask(&numbers, &source, 1).await;
    clock.advance(MINUTE - Duration::from_secs(1));
    ask(&numbers, &source, 1).await;
    assert_eq!(source.loads(), 1);
    clock.advance(Duration::from_secs(2));
    ask(&numbers, &source, 1).await;
    assert_eq!(source.loads(), 2);
}

#[tokio::test]
async fn a_ttl_by_the_value_may_capture_and_the_last_one_said_counts() {
    let (caches, _clock) = here();
    let unit = Arc::new(AtomicU64::new(10));
    let seen = Arc::clone(&unit);
    let by_value = move |value: &u64| Duration::from_secs(*value * seen.load(SeqCst));
    let numbers = built(&caches, "numbers", |it| it.ttl(MINUTE).ttl_with(by_value));
    let left = async |value: u64| {
        numbers.entry(1).insert(value).await.unwrap();
        numbers.entry(1).remaining_ttl().await.unwrap()
    };
    assert_eq!(left(3).await, Some(Duration::from_secs(30)));
    unit.store(20, SeqCst);
    assert_eq!(left(3).await, Some(Duration::from_secs(60)));
    assert_eq!(left(0).await, None, "zero keeps nothing");

    let fixed = built(&caches, "fixed", |it| {
        it.ttl_with(|_: &u64| Duration::from_secs(1)).ttl(MINUTE)
    });
    fixed.entry(1).insert(3).await.unwrap();
    assert_eq!(fixed.entry(1).remaining_ttl().await.unwrap(), Some(MINUTE));
}

#[tokio::test]
async fn idle_and_expires() {
    let (caches, clock) = here();
    let read = built(&caches, "read", |it| it.ttl(60 * MINUTE).idle(MINUTE));
    read.entry(1).insert(1_u64).await.unwrap();
    for _ in 0..5 {
        clock.advance(MINUTE / 2);
        assert_eq!(read.entry(1).get_or_load(async || 2).await.unwrap(), 1);
    }
    clock.advance(MINUTE * 2);
    assert_eq!(read.entry(1).get().await.unwrap(), None);

    let end = SystemTime::now() + MINUTE;
    let until = built(&caches, "until", |it| {
        it.ttl(60 * MINUTE).expires_with(move |_: &u64| end)
    });
    until.entry(1).insert(1).await.unwrap();
    let left = until.entry(1).remaining_ttl().await.unwrap().unwrap();
    assert!(left <= MINUTE && left > MINUTE / 2, "{left:?}");
}

#[tokio::test]
async fn jitter_is_taken_off_the_ttl() {
    let (caches, _clock) = here();
    let numbers = built(&caches, "numbers", |it| it.ttl(MINUTE).jitter(0.5));
    let mut lives = Vec::new();
    for key in 0..100_u64 {
        numbers.entry(key).insert(key).await.unwrap();
        lives.push(numbers.entry(key).remaining_ttl().await.unwrap().unwrap());
    }
    lives.sort();
    assert!(lives[0] >= MINUTE / 2 && lives[99] <= MINUTE, "{lives:?}");
    assert!(lives[99] - lives[0] > MINUTE / 8, "{lives:?}");
}

#[tokio::test]
async fn a_none_is_kept_only_if_it_is_said() {
    let (caches, clock) = here();
    let source = Source::default();
    let ask = async |cache: &Cache<u64>| {
        let none = cache
            .entry(1)
            .get_or_load(async || {
                source.load();
                None::<u64>
            })
            .await;
        assert_eq!(none.unwrap(), None);
        source.loads()
    };
    let without = built(&caches, "without", |it| it.ttl(MINUTE));
    assert_eq!((ask(&without).await, ask(&without).await), (1, 2));
    let with = built(&caches, "with", |it| it.none_ttl(MINUTE));
    assert_eq!((ask(&with).await, ask(&with).await), (3, 3));
    clock.advance(2 * MINUTE);
    assert_eq!(ask(&with).await, 4);
}

#[tokio::test]
async fn cache_if_may_capture() {
    let (caches, _clock) = here();
    let most = Arc::new(AtomicU64::new(10));
    let limit = Arc::clone(&most);
    let numbers = built(&caches, "numbers", |it| {
        it.cache_if(move |value: &u64| *value < limit.load(SeqCst))
    });
    let source = Source::of(20);
    assert_eq!(ask(&numbers, &source, 1).await, 20);
    assert_eq!(numbers.entry(1).get().await.unwrap(), None);
    most.store(30, SeqCst);
    assert_eq!(ask(&numbers, &source, 1).await, 20);
    assert_eq!(numbers.entry(1).get().await.unwrap(), Some(20));
}

#[tokio::test]
async fn capacity_of_the_cache_or_of_its_tier() {
    let (caches, _clock) = here();
    for numbers in [
        built(&caches, "own", |it| it.capacity(10)),
        built(&caches, "tier", |it| it.tier("local", |tier| tier.capacity(10))),
    ] {
        for key in 0..100_u64 {
            numbers.entry(key).insert(key).await.unwrap();
        }
        let stats = numbers.stats();
        assert!(stats.entries <= 10 && stats.evictions >= 90, "{stats:?}");
    }
}

#[tokio::test]
async fn max_bytes_as_a_weight_that_captures_counts_them() {
    let (caches, _clock) = here();
    let each = 100_u64;
    let texts: Cache<String> = built(&caches, "texts", |it| {
        it.max_bytes(1_000)
            .weight(move |key, value: &String| each + (key.to_string().len() + value.len()) as u64)
    });
    for key in 0..100 {
        texts.entry(key).insert("a".repeat(50)).await.unwrap();
    }
    let entries = texts.stats().entries;
    assert!((3..=6).contains(&entries), "{entries}");
}

#[tokio::test]
async fn without_single_flight_everybody_loads() {
    let (caches, _clock) = here();
    let alone = built::<u64>(&caches, "alone", |it| it.single_flight(false));
    let together = tokio::sync::Barrier::new(2);
    // Would wait for ever if one were the other's follower.
    let load = async || {
        let loader = async || {
            together.wait().await;
            1
        };
        alone.entry(1).get_or_load(loader).await.unwrap()
    };
    assert_eq!(tokio::join!(load(), load()), (1, 1));
    assert_eq!(alone.stats().loads, 2);
}

#[tokio::test]
async fn the_chain_and_its_tiers() {
    let server = RedisServer::start().await;
    let caches = on(&server).await.backend(["local"]).build().unwrap();
    let by_default = built(&caches, "by-default", |it| it.ttl(MINUTE));
    let far = built(&caches, "far", |it| it.ttl(MINUTE).backend(["redis"]));
    let both = built(&caches, "both", |it| {
        let near = Duration::from_secs(5);
        it.ttl(MINUTE)
            .backend(["local", "redis"])
            .tier("local", |tier| tier.ttl(near))
            .tier("redis", |tier| tier.ttl(MINUTE / 2))
    });
    for numbers in [&by_default, &far, &both] {
        numbers.entry(1).insert(1_u64).await.unwrap();
    }
    let left: u64 = server.cli(&["PTTL", "shop:both:1"]).await;
    assert!((20_000..=30_000).contains(&left), "{left}");
    let left = both.entry(1).remaining_ttl().await.unwrap().unwrap();
    assert!(left <= Duration::from_secs(5), "{left:?}");
    assert_eq!(
        server
            .cli::<u64>(&["EXISTS", "shop:far:1", "shop:by-default:1"])
            .await,
        1
    );
    let stores = |cache: &Cache<u64>| -> Vec<String> {
        cache.stats().tiers.into_iter().map(|tier| tier.store).collect()
    };
    assert_eq!(stores(&by_default), ["local"]);
    assert_eq!(stores(&far), ["redis"]);
    assert_eq!(stores(&both), ["local", "redis"]);
}

#[tokio::test]
async fn what_remote_stores_see() {
    let server = RedisServer::start().await;
    let long = || "a".repeat(10_000);
    let of = async |caches: Caches, codec, version, compress| {
        built::<String>(&caches, "texts", |it| {
            it.codec(codec).version(version).compress(compress)
        })
    };
    let first = of(caches(&server).await, Codec::Json, 1, 1_000).await;
    first.entry(1).insert(long()).await.unwrap();
    let size: u64 = server.cli(&["STRLEN", "shop:texts:1"]).await;
    assert!(size < 1_000, "{size}");
    // Another codec reads it, another version does not.
    let same = of(caches(&server).await, Codec::Postcard, 1, 1_000_000).await;
    assert_eq!(same.entry(1).get().await.unwrap(), Some(long()));
    let next = of(caches(&server).await, Codec::Json, 2, 1_000).await;
    assert_eq!(next.entry(1).get().await.unwrap(), None);
    assert_eq!(tier(&next.stats(), "redis").rejected, 1);
}

#[derive(Clone, Debug, PartialEq)]
struct Unwritable(u64);

#[tokio::test]
async fn values_that_never_leave_the_process_need_no_serde() {
    let server = RedisServer::start().await;
    let caches = caches(&server).await;
    let things: Cache<Unwritable> = caches.cache("things").ttl(MINUTE).build_in_memory().unwrap();
    things.entry(1).get_or_load(async || Unwritable(1)).await.unwrap();
    assert_eq!(things.entry(1).get().await.unwrap(), Some(Unwritable(1)));
    assert_eq!(server.cli::<u64>(&["DBSIZE"]).await, 0);
    let moka = caches.cache("moka").backend(["moka"]).build_in_memory().unwrap();
    moka.entry(1).insert(Unwritable(2)).await.unwrap();
    assert_eq!(moka.stats().tiers[0].store, "moka");
}

#[tokio::test]
async fn the_line_of_the_documentation() -> Result<(), Box<dyn std::error::Error>> {
    let server = RedisServer::start().await;
    let caches = Caches::builder()
        .store("redis", Redis::connect(server.url()).await?)
        .build()?;
    let users: Cache<String> = caches
        .cache("users")
        .ttl(60 * MINUTE)
        .backend(["local", "redis"])
        .build()?;
    let db = async |id: u64| -> Result<String, std::io::Error> { Ok(format!("user {id}")) };
    let user = users.entry("42").get_or_load(|| async { db(42).await }).await?;
    assert_eq!(user, "user 42");
    assert_eq!(server.cli::<u64>(&["EXISTS", "users:42"]).await, 1);
    Ok(())
}

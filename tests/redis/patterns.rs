//! Removing many keys among many: exactly those that are meant.

use std::collections::BTreeSet;

use cached_runtime::{Caches, cache, invalidate};
use cached_tests::RedisServer;

use crate::setup::{Source, caches, connect, raw};

#[cache(key = "user:{_id}", ttl = "1h", backend = ["local", "redis"], skip(source))]
async fn user(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "user:{id}:profile", ttl = "1h", backend = "redis", skip(source))]
async fn profile(source: &Source, id: &str) -> String {
    format!("{id} {}", source.load())
}

#[cache(key = "user:{_id}:orders:{_page}", ttl = "1h", backend = ["local", "redis"], skip(source))]
async fn orders(source: &Source, _id: u64, _page: u64) -> u64 {
    source.load()
}

#[invalidate(user(..))]
async fn change_every_user() {}

#[invalidate(pattern = "user:{id}:*")]
async fn change_all_of(id: &str) {
    let _ = id;
}

/// Twenty thousand keys of this namespace, and those of others that look like them. The bytes do not matter here.
const FILL: &str = r"
for id = 1, 8000 do redis.call('SET', 'shop:user:' .. id, 'x') end
for id = 1, 6000 do redis.call('SET', 'shop:user:' .. id .. ':profile', 'x') end
for id = 1, 3000 do for page = 1, 2 do redis.call('SET', 'shop:user:' .. id .. ':orders:' .. page, 'x') end end
for id = 1, 500 do
    redis.call('SET', 'user:' .. id, 'x')
    redis.call('SET', 'shop2:user:' .. id, 'x')
    redis.call('SET', 'shop:user:' .. id .. ':profile:old', 'x')
    redis.call('SET', 'shop:user:x' .. id .. ':cart', 'x')
    redis.call('RPUSH', 'queue:shop:user:' .. id, 'x')
    redis.call('SET', 'my:shop:user:' .. id .. ':profile', 'x')
end
redis.call('SET', 'shop:user:\255\254', 'x')
redis.call('SET', 'shop', 'x')
return redis.call('DBSIZE')";

type Keys = BTreeSet<Vec<u8>>;

async fn keys(server: &RedisServer) -> Keys {
    let mut raw = raw(server).await;
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query_async(&mut raw).await.unwrap();
    // A look-up leaves a lease for a while.
    keys.into_iter().filter(|key| !key.ends_with(b":lease")).collect()
}

struct Filled {
    server: RedisServer,
    caches: Caches,
    all: Keys,
}

impl Filled {
    async fn new() -> Self {
        let server = RedisServer::start().await;
        let mut filler = raw(&server).await;
        let filled: u64 = redis::cmd("EVAL")
            .arg(FILL)
            .arg(0)
            .query_async(&mut filler)
            .await
            .unwrap();
        assert_eq!(filled, 23_002);
        let caches = caches(&server).await;
        let all = keys(&server).await;
        Self { server, caches, all }
    }

    /// What is gone must be exactly what `meant` says.
    async fn expect_gone(&self, meant: impl Fn(&str) -> bool) -> u64 {
        let left = keys(&self.server).await;
        let is_meant = |key: &[u8]| str::from_utf8(key).is_ok_and(&meant);
        let missing: Vec<_> = self.all.difference(&left).filter(|key| !is_meant(key)).collect();
        assert!(
            missing.is_empty(),
            "{} too many are gone: {missing:?}",
            missing.len()
        );
        let over: Vec<_> = left.iter().filter(|key| is_meant(key)).take(10).collect();
        assert!(over.is_empty(), "left: {over:?}");
        self.all.difference(&left).count() as u64
    }
}

fn number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_user(key: &str) -> bool {
    key.strip_prefix("shop:user:").is_some_and(number)
}

#[tokio::test]
async fn clearing_a_cache_removes_its_keys_and_no_others() {
    let filled = Filled::new().await;
    let source = Source::of(1);
    // One that this process has in memory too.
    let Filled { caches, .. } = &filled;
    caches.scope(user(&source, 9_000)).await;
    caches.scope(async { user_cache().clear().await }).await.unwrap();
    assert_eq!(filled.expect_gone(is_user).await, 8_000);
    source.set(2);
    assert_eq!(caches.scope(user(&source, 9_000)).await, 2);
    caches.scope(change_every_user()).await;
    assert_eq!(filled.expect_gone(is_user).await, 8_000);
}

#[tokio::test]
async fn a_template_inside_another_is_told_apart() {
    let filled = Filled::new().await;
    filled
        .caches
        .scope(async { profile_cache().clear().await })
        .await
        .unwrap();
    let is_profile = |key: &str| {
        let id = key
            .strip_prefix("shop:user:")
            .and_then(|rest| rest.strip_suffix(":profile"));
        id.is_some_and(|id| !id.contains(':'))
    };
    assert_eq!(filled.expect_gone(is_profile).await, 6_000);
}

#[tokio::test]
async fn a_pattern_of_one_cache_touches_no_other() {
    let filled = Filled::new().await;
    let removed = filled
        .caches
        .scope(async { user_cache().invalidate_pattern("user:1*").await })
        .await;
    let meant = |key: &str| is_user(key) && key.starts_with("shop:user:1");
    assert_eq!(filled.expect_gone(meant).await, 1_111);
    assert_eq!(removed.unwrap(), 1_111);
    let removed = filled
        .caches
        .scope(async { user_cache().invalidate_pattern("shop:user:*").await })
        .await;
    assert_eq!(
        removed.unwrap(),
        0,
        "a pattern is about the key without its namespace"
    );
}

#[tokio::test]
async fn a_pattern_of_all_stays_in_its_namespace() {
    let filled = Filled::new().await;
    assert_eq!(filled.caches.invalidate_pattern("user:1?:*").await.unwrap(), 40);
    let meant = |key: &str| {
        let rest = key.strip_prefix("shop:user:1");
        rest.is_some_and(|rest| rest.chars().nth(1) == Some(':'))
    };
    // Ten profiles, ten old ones and two pages of orders for each.
    assert_eq!(filled.expect_gone(meant).await, 40);
}

#[tokio::test]
async fn what_a_writer_puts_into_a_pattern_is_meant_literally() {
    let filled = Filled::new().await;
    let Filled { caches, server, .. } = &filled;
    let source = Source::of(1);
    for id in ["*", "[1-9]", "7", "a:b"] {
        caches.scope(profile(&source, id)).await;
    }
    for id in ["*", "[1-9]", "a:b", "?", "\\"] {
        caches.scope(change_all_of(id)).await;
    }
    for key in [
        "shop:user:%2A:profile",
        "shop:user:%5B1-9%5D:profile",
        "shop:user:a%3Ab:profile",
    ] {
        assert_eq!(server.cli::<u64>(&["EXISTS", key]).await, 0, "{key}");
    }
    assert_eq!(filled.expect_gone(|_| false).await, 0);
    assert_eq!(caches.scope(orders(&source, 7, 1)).await, 1);
    source.set(2);
    caches.scope(change_all_of("7")).await;
    assert_eq!(filled.expect_gone(|key| key.starts_with("shop:user:7:")).await, 4);
    assert_eq!(caches.scope(orders(&source, 7, 1)).await, 2);
}

#[tokio::test]
async fn clearing_everything_stays_in_the_namespace() {
    let filled = Filled::new().await;
    filled.caches.clear().await.unwrap();
    assert_eq!(filled.expect_gone(|key| key.starts_with("shop:")).await, 21_000);
}

#[tokio::test]
async fn without_a_namespace_clearing_keeps_to_keys_that_functions_write() {
    let server = RedisServer::start().await;
    let mut expected = Keys::new();
    for key in [
        "user:1:profile:old",
        "user:x1:cart",
        "user:1:orders:2:3",
        "users:1",
        "session:user:1",
        "user:%:profile",
        "user:%41:profile",
        "user:a b:profile",
    ] {
        let _: String = server.cli(&["SET", key, "x"]).await;
        expected.insert(key.into());
    }
    for key in [
        "user:1",
        "user:1:profile",
        "user::profile",
        "user:a%20b:profile",
        "user:1:orders:2",
    ] {
        let _: String = server.cli(&["SET", key, "x"]).await;
    }
    let bare = Caches::builder()
        .store("redis", connect(&server).await)
        .store("second", cached_runtime::stores::Null)
        .build()
        .unwrap();
    bare.clear().await.unwrap();
    assert_eq!(keys(&server).await, expected);
}

#[tokio::test]
async fn a_load_under_way_is_revoked_by_a_pattern_that_finds_nothing_yet() {
    let server = RedisServer::start().await;
    let gate = crate::setup::Gate::of(1);
    let (first, second) = (caches(&server).await, caches(&server).await);
    for way in 0..3 {
        let remove = async {
            gate.begun().await;
            match way {
                0 => drop(second.invalidate_pattern("slow:*").await.unwrap()),
                1 => second.scope(async { slow_cache().clear().await }).await.unwrap(),
                _ => second.clear().await.unwrap(),
            }
            gate.open();
        };
        tokio::join!(first.scope(slow(&gate, way)), remove);
        assert_eq!(server.cli::<u64>(&["DBSIZE"]).await, 0, "way {way}");
    }
}

#[cache(key = "slow:{_id}", ttl = "1h", backend = "redis", skip(gate))]
async fn slow(gate: &crate::setup::Gate, _id: u64) -> u64 {
    gate.load().await
}

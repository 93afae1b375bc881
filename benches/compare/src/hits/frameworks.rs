//! Peers that bring more than a map: set up as the first page of their documentation says, bounded and with a ttl.
//!
//! `hitbox`, `multi-tier-cache` and `oxcache` keep bytes in memory, so a hit of theirs decodes.

use std::sync::Arc;
use std::time::Duration;

use hitbox_fn::prelude::PolicyConfig;
use hitbox_moka::MokaBackend;
use multi_tier_cache::{CacheStrategy, CacheSystemBuilder, MokaCache, MokaCacheConfig, TierConfig};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::contender::{List, awaited, called};
use super::raw::{Stored, keep};
use crate::keys::{Key, Pair, ROOM};
use crate::values::{Load, User, load, load_pair};

const HOUR: Duration = Duration::from_secs(3600);

pub fn add_by_number(list: &mut List<u64>, runtime: &Handle) {
    foyer(list);
    oxcache(runtime, "by_number");
    awaited(list, "oxcache", ox_by_number);
    let cache = hitbox_cache();
    awaited(list, "hitbox-fn", move |id| async move {
        hit_by_number(id).cache(cache).await
    });
    multi_tier(list, runtime, |id| format!("user:{id}"));
}

pub fn add_by_pair(list: &mut List<Pair>, runtime: &Handle) {
    foyer(list);
    oxcache(runtime, "by_pair");
    awaited(list, "oxcache", |(tenant, id)| ox_by_pair(tenant.to_owned(), id));
    let cache = hitbox_cache();
    awaited(list, "hitbox-fn", move |(tenant, id)| async move {
        hit_by_pair(tenant.to_owned(), id).cache(cache).await
    });
    multi_tier(list, runtime, |(tenant, id)| format!("user:{tenant}:{id}"));
}

/// Its memory cache has no ttl. Entries are handed out by reference count, so the value is what it is.
fn foyer<K: Stored>(list: &mut List<K>) {
    let cache: &foyer::Cache<K::Owned, Arc<User>> = keep(foyer::CacheBuilder::new(ROOM).build());
    called(list, "foyer, no ttl", move |key: K| {
        match cache.get(&key.query()) {
            Some(entry) => entry,
            None => cache.insert(key.owned(), key.load()),
        }
    });
}

#[oxcache::cached(service = "by_number", ttl = 3600)]
async fn ox_by_number(id: u64) -> Result<Arc<User>, String> {
    Ok(load(id))
}

#[oxcache::cached(service = "by_pair", ttl = 3600)]
async fn ox_by_pair(tenant: String, id: u64) -> Result<Arc<User>, String> {
    Ok(load_pair(&tenant, id))
}

fn oxcache(runtime: &Handle, service: &str) {
    runtime.block_on(async {
        let cache: oxcache::Cache<String, Vec<u8>> = oxcache::Cache::builder()
            .capacity(ROOM as u64)
            .ttl(HOUR)
            .build()
            .await
            .expect("a cache");
        cache.register_for_macro(service).await.expect("the name is free");
    });
}

/// Values have to derive its trait.
#[derive(Clone, Serialize, Deserialize, hitbox_fn::CacheableResponse)]
struct HitUser {
    id: u64,
    name: String,
    bio: String,
}

impl HitUser {
    fn of(user: &User) -> Self {
        Self {
            id: user.id,
            name: user.name.clone(),
            bio: user.bio.clone(),
        }
    }
}

#[hitbox_fn::cached(prefix = "by_number")]
async fn hit_by_number(id: u64) -> Result<HitUser, String> {
    Ok(HitUser::of(&load::<Arc<User>>(id)))
}

#[hitbox_fn::cached(prefix = "by_pair")]
async fn hit_by_pair(tenant: String, id: u64) -> Result<HitUser, String> {
    Ok(HitUser::of(&load_pair::<Arc<User>>(&tenant, id)))
}

type HitCache = hitbox_fn::Cache<MokaBackend>;

fn hitbox_cache() -> &'static HitCache {
    keep(
        hitbox_fn::Cache::builder()
            .backend(MokaBackend::builder().max_entries(ROOM as u64).build())
            .policy(PolicyConfig::builder().ttl(HOUR).build())
            .build(),
    )
}

fn multi_tier<K: Key + Load>(list: &mut List<K>, runtime: &Handle, name: fn(K) -> String) {
    let config = MokaCacheConfig {
        max_capacity: ROOM as u64,
        time_to_live: HOUR,
        time_to_idle: HOUR,
    };
    let memory = Arc::new(MokaCache::new(config).expect("a cache"));
    let system = runtime
        .block_on(
            CacheSystemBuilder::new()
                .with_tier(memory, TierConfig::as_l1())
                .build(),
        )
        .expect("one tier is enough");
    let manager = keep(system).cache_manager();
    awaited(list, "multi-tier-cache", move |key: K| async move {
        let load = || async move { Ok(key.load::<Arc<User>>()) };
        manager
            .get_or_compute_typed(&name(key), CacheStrategy::MediumTerm, load)
            .await
            .expect("a hit")
    });
}

//! What is done to an entry while it is being loaded in the background, whichever tiers have it: it is what counts.

use std::sync::Arc;

use cached_runtime::{Mode, cache, with_mode};
use cached_tests::Gate;

use crate::world::{World, secs, world};

macro_rules! cached {
    ($name:ident, $chain:expr) => {
        #[cache(ttl = "100s", refresh = "50%", stale = "50s", backend = $chain, skip(gate))]
        async fn $name(gate: &Arc<Gate>, id: u64) -> u64 {
            gate.load().await + id
        }
    };
}

cached!(near, "local");
cached!(moka, "moka");
cached!(far, "far");
cached!(both, ["local", "far"]);

/// With a load in the background that has read 1 and is held up, `act` is done; then the load ends. Says what is there.
macro_rules! meanwhile {
    ($name:ident, $entry:ident, $world:expr, $act:expr) => {{
        let gate = Arc::new(Gate::of(1));
        gate.open();
        $name(&gate, 0).await;
        gate.begun().await;
        $world.caches.settle().await;
        $world.clock.advance(secs(60));
        let key = $entry(0).key().to_string();
        // 40 s of its 100 are left, and its 50.
        age(&$world, &key);
        assert_eq!($name(&gate, 0).await, 1);
        gate.begun().await;
        ($act)(key, Arc::clone(&gate)).await;
        gate.open();
        $world.caches.settle().await;
        $entry(0).get().await.unwrap()
    }};
}

/// Makes the entry in the store below as old as the one in memory.
fn age(world: &World, key: &str) {
    world.far.set_ttl(key, secs(40));
}

macro_rules! each {
    ($world:expr, $expected:expr, $near:expr, $moka:expr, $far:expr, $both:expr) => {{
        assert_eq!(meanwhile!(near, near_entry, $world, $near), $expected, "near");
        assert_eq!(meanwhile!(moka, moka_entry, $world, $moka), $expected, "moka");
        assert_eq!(meanwhile!(far, far_entry, $world, $far), $expected, "far");
        assert_eq!(meanwhile!(both, both_entry, $world, $both), $expected, "both");
    }};
}

#[tokio::test]
async fn what_is_put_stays() {
    world(async |world| {
        each!(
            world,
            Some(9),
            async |_, _| near_entry(0).insert(9).await.unwrap(),
            async |_, _| moka_entry(0).insert(9).await.unwrap(),
            async |_, _| far_entry(0).insert(9).await.unwrap(),
            async |_, _| both_entry(0).insert(9).await.unwrap()
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_removed_by_its_key_stays_away() {
    world(async |world| {
        let remove = async |key: String, _| world.caches.invalidate_key(&key).await.unwrap();
        each!(world, None, remove, remove, remove, remove);
        let remove = async |key: String, _| _ = world.caches.invalidate_pattern(&key).await.unwrap();
        each!(world, None, remove, remove, remove, remove);
    })
    .await;
}

#[tokio::test]
async fn what_is_cleared_stays_away() {
    world(async |world| {
        let clear = async |_, _| world.caches.clear().await.unwrap();
        each!(world, None, clear, clear, clear, clear);
        each!(
            world,
            None,
            async |_, _| near_cache().clear().await.unwrap(),
            async |_, _| moka_cache().clear().await.unwrap(),
            async |_, _| far_cache().clear().await.unwrap(),
            async |_, _| both_cache().clear().await.unwrap()
        );
    })
    .await;
}

/// A caller's own load is the newer one, even if it ends first.
#[tokio::test]
async fn what_is_refreshed_stays() {
    macro_rules! refreshed {
        ($name:ident) => {
            async |_, held: Arc<Gate>| {
                let gate = Arc::new(Gate::of(7));
                gate.open();
                assert_eq!(with_mode(Mode::Refresh, $name(&gate, 0)).await, 7);
                drop(held);
            }
        };
    }
    world(async |world| {
        each!(
            world,
            Some(7),
            refreshed!(near),
            refreshed!(moka),
            refreshed!(far),
            refreshed!(both)
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_invalidated_and_loaded_stays() {
    macro_rules! loaded {
        ($name:ident, $entry:ident) => {
            async |_, held: Arc<Gate>| {
                $entry(0).invalidate().await.unwrap();
                let gate = Arc::new(Gate::of(7));
                gate.open();
                assert_eq!($name(&gate, 0).await, 7);
                drop(held);
            }
        };
    }
    world(async |world| {
        each!(
            world,
            Some(7),
            loaded!(near, near_entry),
            loaded!(moka, moka_entry),
            loaded!(far, far_entry),
            loaded!(both, both_entry)
        );
    })
    .await;
}

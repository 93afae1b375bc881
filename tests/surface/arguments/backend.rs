//! `backend`: the chain, as a literal, an array, a constant, or absent.

use cached_runtime::{Cache, Caches, cache};

use crate::far::Far;
use crate::world::{builder, world};
use cached_runtime::testing::ManualClock;

#[cache(backend = "local")]
async fn literal(id: u64) -> u64 {
    id
}

#[cache(backend = ["moka"])]
async fn other_engine(id: u64) -> u64 {
    id
}

#[cache(backend = ["local", "far"])]
async fn array(id: u64) -> u64 {
    id
}

#[cache(backend = &["far"])]
async fn borrowed_array(id: u64) -> u64 {
    id
}

mod chains {
    // An array is as good as a slice.
    pub(super) const SLOW: [&str; 2] = ["local", "far"];
    pub(super) static ALSO: &[&str] = &["far"];
}

#[cache(backend = chains::SLOW)]
async fn constant(id: u64) -> u64 {
    id
}

struct Owner;

impl Owner {
    const CHAIN: &'static [&'static str] = &["moka", "far"];

    #[cache(backend = Owner::CHAIN, in_impl = true)]
    async fn associated(id: u64) -> u64 {
        id
    }
}

#[cache]
async fn absent(id: u64) -> u64 {
    id
}

fn chain<V>(cache: &Cache<V>) -> Vec<String> {
    cache.stats().tiers.into_iter().map(|tier| tier.store).collect()
}

#[tokio::test]
async fn each_spelling_names_the_chain() {
    world(async |world| {
        assert_eq!(
            literal(1).await + other_engine(1).await + array(1).await + borrowed_array(1).await,
            4
        );
        assert_eq!(
            constant(1).await + Owner::associated(1).await + absent(1).await,
            3
        );
        assert_eq!(chain(&literal_cache()), ["local"]);
        assert_eq!(chain(&other_engine_cache()), ["moka"]);
        assert_eq!(chain(&array_cache()), ["local", "far"]);
        assert_eq!(chain(&borrowed_array_cache()), ["far"]);
        assert_eq!(chain(&constant_cache()), ["local", "far"]);
        assert_eq!(chain(&Owner::associated_cache()), ["moka", "far"]);
        assert_eq!(chain(&absent_cache()), ["local"]);
        let far: Vec<String> = world
            .far
            .present()
            .into_iter()
            .filter(|key| key.contains("::backend::"))
            .collect();
        assert_eq!(
            far,
            [
                "surface::arguments::backend::Owner::associated:1",
                "surface::arguments::backend::array:1",
                "surface::arguments::backend::borrowed_array:1",
                "surface::arguments::backend::constant:1",
            ]
        );
        assert_eq!(chains::ALSO, ["far"]);
    })
    .await;
}

#[tokio::test]
async fn absent_it_is_the_chain_of_the_caches_in_force() {
    let (clock, far) = (ManualClock::new(), Far::default());
    let caches: Caches = builder(&clock, &far).backend(["local", "far"]).build().unwrap();
    caches
        .scope(async {
            assert_eq!(absent(1).await, 1);
            assert_eq!(chain(&absent_cache()), ["local", "far"]);
        })
        .await;
    assert_eq!(far.present(), ["surface::arguments::backend::absent:1"]);
}

#[tokio::test]
async fn a_lower_tier_answers_what_memory_has_not() {
    let (clock, far) = (ManualClock::new(), Far::default());
    let one = builder(&clock, &far).build().unwrap();
    let two = builder(&clock, &far).build().unwrap();
    one.scope(array(7)).await;
    two.scope(async {
        assert_eq!(array(7).await, 7);
        let stats = array_cache().stats();
        assert_eq!((stats.hits, stats.loads, stats.tiers[1].hits), (1, 0, 1));
        assert_eq!(array(7).await, 7);
        assert_eq!(array_cache().stats().tiers[0].hits, 1);
    })
    .await;
}

//! `name`: what a cache is called.

use cached_runtime::cache;

use crate::world::world;

#[cache(backend = "local")]
async fn free(id: u64) -> u64 {
    id
}

#[cache(name = "a3 named: {x}", backend = "local")]
async fn named(id: u64) -> u64 {
    id
}

struct Users;

impl Users {
    #[cache(skip(self), backend = "local")]
    async fn find(&self, id: u64) -> u64 {
        id
    }

    #[cache(name = "a3 users", skip(self), backend = "local")]
    async fn find_named(&self, id: u64) -> u64 {
        id
    }
}

mod elsewhere {
    use cached_runtime::cache;

    impl super::Users {
        #[cache(skip(self), backend = "local")]
        pub(super) async fn find_elsewhere(&self, id: u64) -> u64 {
            id
        }
    }
}

#[tokio::test]
async fn the_default_is_the_path() {
    world(async |_| {
        assert_eq!(free_cache().name(), "surface::arguments::name::free");
        assert_eq!(
            Users::find_cache().name(),
            "surface::arguments::name::Users::find"
        );
        // Where the `impl` stands does not matter.
        assert_eq!(
            Users::find_elsewhere_cache().name(),
            "surface::arguments::name::Users::find_elsewhere"
        );
        assert_eq!(Users.find_elsewhere(1).await, 1);
        let key = Users::find_elsewhere_entry(1).key().to_string();
        assert_eq!(key, "surface::arguments::name::Users::find_elsewhere:1");
    })
    .await;
}

#[tokio::test]
async fn a_name_of_ones_own_is_in_reports_and_not_in_keys() {
    world(async |world| {
        assert_eq!(named_cache().name(), "a3 named: {x}");
        assert_eq!(Users::find_named_cache().name(), "a3 users");
        assert_eq!(
            named(1).await + free(1).await + Users.find(1).await + Users.find_named(1).await,
            4
        );
        let stats = world.caches.stats();
        assert!(
            stats
                .caches
                .iter()
                .any(|cache| cache.name == "a3 users" && cache.loads == 1)
        );
        assert_eq!(
            named_entry(1).key().to_string(),
            "surface::arguments::name::named:1"
        );
    })
    .await;
}

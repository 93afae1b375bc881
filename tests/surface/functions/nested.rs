//! Cached functions inside of functions.

use cached_runtime::{cache, invalidate};

use crate::world::{Runs, world};

#[tokio::test]
async fn inside_of_a_test() {
    #[cache(skip(runs), backend = "local")]
    async fn inner(runs: &Runs, id: u64) -> u64 {
        let _ = id;
        runs.next()
    }

    #[invalidate(inner(id))]
    async fn write(id: u64) {
        let _ = id;
    }

    world(async |_| {
        let runs = Runs::default();
        assert_eq!(inner(&runs, 1).await, 1);
        assert_eq!(inner(&runs, 1).await, 1);
        assert_eq!(
            inner_cache().name(),
            "surface::functions::nested::inside_of_a_test::inner"
        );
        write(1).await;
        assert_eq!(inner(&runs, 1).await, 2);
    })
    .await;
}

/// The same name in another function is another cache.
#[tokio::test]
async fn inside_of_another_test() {
    #[cache(backend = "local")]
    async fn inner(id: u64) -> String {
        id.to_string()
    }

    world(async |_| {
        assert_eq!(inner(1).await, "1");
        assert_eq!(
            inner_cache().name(),
            "surface::functions::nested::inside_of_another_test::inner"
        );
    })
    .await;
}

#[cache(backend = "local")]
async fn outer(id: u64) -> u64 {
    #[cache(backend = "local")]
    async fn half(id: u64) -> u64 {
        struct Holder;

        impl Holder {
            #[cache(skip(self), backend = "local")]
            async fn same(&self, id: u64) -> u64 {
                id
            }
        }

        Holder.same(id / 2).await
    }

    half(id).await + half(id + 1).await
}

#[tokio::test]
async fn inside_of_a_cached_function() {
    world(async |world| {
        for _ in 0..2 {
            assert_eq!(outer(4).await, 4);
        }
        let loads: Vec<_> = world
            .caches
            .stats()
            .caches
            .iter()
            .map(|cache| cache.loads)
            .collect();
        assert_eq!(loads.iter().sum::<u64>(), 4);
        assert_eq!(outer_cache().stats().hits, 1);
    })
    .await;
}

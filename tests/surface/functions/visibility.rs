//! Companions are as visible as their function.

use crate::world::world;

mod shop {
    pub mod users {
        use cached_runtime::cache;

        #[cache(backend = "local")]
        pub async fn public(id: u64) -> u64 {
            id
        }

        #[cache(backend = "local")]
        pub(crate) async fn of_crate(id: u64) -> u64 {
            id
        }

        #[cache(backend = "local")]
        pub(in crate::functions) async fn of_path(id: u64) -> u64 {
            id
        }

        #[cache(backend = "local")]
        pub(super) async fn of_parent(id: u64) -> Hidden {
            Hidden(id)
        }

        /// Not visible where the function is.
        #[derive(Clone)]
        pub(super) struct Hidden(pub(super) u64);

        pub struct Repo;

        impl Repo {
            #[cache(skip(self), backend = "local")]
            pub async fn find(&self, id: u64) -> u64 {
                self.helper(id).await
            }

            #[cache(skip(self), backend = "local")]
            async fn helper(&self, id: u64) -> u64 {
                id
            }
        }
    }

    pub use users::{public, public_cache, public_entry, public_uncached};

    pub(super) async fn parent(id: u64) -> u64 {
        let found = users::of_parent(id).await.0;
        assert!(users::of_parent_entry(id).get().await.unwrap().is_some());
        found
    }
}

#[tokio::test]
async fn companions_are_where_their_function_is() {
    world(async |_| {
        assert_eq!(shop::public(1).await, 1);
        assert_eq!(shop::public_entry(1).get().await.unwrap(), Some(1));
        assert_eq!(shop::public_cache().stats().loads, 1);
        assert_eq!(shop::public_uncached(1).await, 1);
        assert_eq!(shop::users::of_crate(1).await, 1);
        assert!(shop::users::of_crate_entry(1).get().await.unwrap().is_some());
        assert_eq!(shop::users::of_path(1).await, 1);
        assert!(shop::users::of_path_entry(1).get().await.unwrap().is_some());
        assert_eq!(shop::parent(1).await, 1);
        assert_eq!(shop::users::Repo.find(1).await, 1);
        assert!(shop::users::Repo::find_entry(1).get().await.unwrap().is_some());
    })
    .await;
}

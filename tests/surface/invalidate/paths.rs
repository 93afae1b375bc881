//! `users::get_user(id)`, `Posts::recent(id)`, `<T as ..>`, turbofish: where the cached function is.

use std::marker::PhantomData;

use cached_runtime::invalidate;

use crate::world::world;

mod users {
    use cached_runtime::cache;

    #[cache(key = "i5:{id}", backend = "local")]
    pub(super) async fn get(id: u64) -> u64 {
        id
    }

    pub(super) mod deeper {
        use cached_runtime::cache;

        #[cache(key = "i5:deeper:{id}", backend = "local")]
        pub(in super::super) async fn get(id: u64) -> u64 {
            id
        }
    }

    #[cache(key = "i5:generic:{id}", skip(kind), backend = "local")]
    pub(super) async fn generic<T: Sync, const N: usize>(kind: &T, id: u64) -> u64 {
        let _ = kind;
        id
    }
}

pub(crate) struct Repo<T>(PhantomData<T>);

impl<T> Repo<T> {
    #[cached_runtime::cache(key = "i5:repo:{id}", in_impl = true, backend = "local")]
    async fn load(id: u64) -> u64 {
        id
    }
}

type Names = Repo<String>;

#[invalidate(users::get(id), self::users::deeper::get(id), crate::invalidate::paths::users::get(id + 1))]
async fn by_module(id: u64) {
    let _ = id;
}

#[invalidate(users::generic::<u8, 3>(id), Repo::<u8>::load(id), <Repo<u16>>::load(id), Names::load(id))]
async fn by_type(id: u64) {
    let _ = id;
}

#[invalidate(users::generic::<T, N>(id))]
async fn by_own_parameters<T: Sync, const N: usize>(kind: &T, id: u64) {
    let _ = (kind, id);
}

#[tokio::test]
async fn paths_of_modules() {
    world(async |_| {
        users::get(1).await;
        users::get(2).await;
        users::deeper::get(1).await;
        by_module(1).await;
        assert_eq!(users::get_cache().stats().entries, 0);
        assert_eq!(users::deeper::get_cache().stats().entries, 0);
    })
    .await;
}

#[tokio::test]
async fn paths_with_types() {
    world(async |_| {
        users::generic::<u8, 3>(&1, 1).await;
        users::generic::<u8, 4>(&1, 1).await;
        Repo::<u8>::load(1).await;
        Repo::<u16>::load(1).await;
        Repo::<String>::load(1).await;
        Repo::<char>::load(1).await;
        by_type(1).await;
        assert_eq!(users::generic_entry::<u8, 3>(1).get().await.unwrap(), None);
        assert_eq!(users::generic_entry::<u8, 4>(1).get().await.unwrap(), Some(1));
        assert_eq!(Repo::<u8>::load_cache().stats().entries, 1);
        assert_eq!(Repo::<char>::load_entry(1).get().await.unwrap(), Some(1));
        by_own_parameters::<_, 4>(&1_u8, 1).await;
        assert_eq!(users::generic_entry::<u8, 4>(1).get().await.unwrap(), None);
    })
    .await;
}

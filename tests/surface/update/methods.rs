//! Cached methods, by `self` and by path; generic ones; those with a `Caches` of their own.

use std::sync::Arc;

use cached_runtime::{Caches, cache, update};

use crate::world::{World, world};

#[derive(Clone)]
struct Shop {
    tenant: u64,
}

impl Shop {
    #[cache(key = "u4:{self.tenant}:{id}", strategy = "write_through", backend = "local")]
    async fn price(&self, id: u64) -> u64 {
        self.tenant + id
    }

    #[cache(
        key = "u4:global:{id}",
        skip(self),
        strategy = "write_through",
        backend = "local"
    )]
    async fn stock(&self, id: u64) -> u64 {
        id
    }

    #[cache(
        key = "u4:rate:{id}",
        strategy = "write_through",
        backend = "local",
        in_impl = true
    )]
    async fn rate(id: u64) -> u64 {
        id
    }

    #[update(self.price(id) = price, self.stock(id) = self.tenant, Self::rate(id) = price + 1)]
    async fn set(&self, id: u64, price: u64) {
        let _ = (self, id, price);
    }

    #[update(self.price(id))]
    async fn of_an_arc(self: Arc<Self>, id: u64) -> u64 {
        drop(self);
        id + 1_000
    }

    #[update(self.price(output) = self.tenant + output)]
    async fn by_output(&self, id: u64) -> u64 {
        let _ = self;
        id
    }

    #[update(self.price(id) = price)]
    async fn exclusively(&mut self, id: u64, price: u64) {
        let _ = (id, price);
        self.tenant += 0;
    }
}

#[cache(key = "u4:generic:{id}", strategy = "write_through", backend = "local")]
async fn generic<T: Default + Clone + Send + Sync + 'static>(id: u64) -> Option<T> {
    let _ = id;
    Some(T::default())
}

#[update(generic::<String>(id) = text.to_owned(), generic(id) = 5_u8)]
async fn set_generic(id: u64, text: &str) {
    let _ = (id, text);
}

#[cache(key = "u4:passed:{id}", strategy = "write_through", caches = caches, skip(caches), backend = "local")]
async fn passed(caches: &Caches, id: u64) -> u64 {
    id
}

#[update(passed(caches, id) = value)]
async fn set_passed(caches: &Caches, id: u64, value: u64) {
    let _ = (caches, id, value);
}

#[update(passed(caches, output))]
async fn set_passed_by_output(caches: &Caches, id: u64) -> u64 {
    let _ = caches;
    id
}

mod users {
    #[cached_runtime::cache(key = "u4:mod:{id}", strategy = "write_through", backend = "local")]
    pub(super) async fn name(id: u64) -> String {
        id.to_string()
    }
}

#[update(users::name(id) = "b".to_owned())]
async fn in_a_module(id: u64) {
    let _ = id;
}

#[tokio::test]
async fn by_self_and_by_path() {
    world(async |_| {
        let mut shop = Shop { tenant: 7 };
        shop.set(1, 50).await;
        assert_eq!(shop.price(1).await, 50);
        assert_eq!(shop.stock(1).await, 7);
        assert_eq!(Shop::rate(1).await, 51);
        let other = Shop { tenant: 8 };
        assert_eq!(other.price(1).await, 9);
        Arc::new(shop.clone()).of_an_arc(2).await;
        assert_eq!(shop.price(2).await, 1_002);
        shop.by_output(3).await;
        assert_eq!(shop.price(3).await, 10);
        shop.exclusively(4, 60).await;
        assert_eq!(shop.price(4).await, 60);
        in_a_module(1).await;
        assert_eq!(users::name(1).await, "b");
    })
    .await;
}

#[tokio::test]
async fn each_instantiation_has_its_own() {
    world(async |_| {
        set_generic(1, "text").await;
        assert_eq!(generic::<String>(1).await.as_deref(), Some("text"));
        assert_eq!(generic::<u8>(1).await, Some(5));
        assert_eq!(generic::<u16>(1).await, Some(0));
    })
    .await;
}

#[tokio::test]
async fn with_a_caches_of_its_own() {
    let other = world(async |World { caches, .. }| caches).await;
    world(async |_| {
        set_passed(&other, 1, 70).await;
        assert_eq!(passed(&other, 1).await, 70);
        assert_eq!(passed(&Caches::current(), 1).await, 1);
        set_passed_by_output(&other, 2).await;
        assert_eq!(passed_entry(&other, 2).get().await.unwrap(), Some(2));
    })
    .await;
}

//! Methods, by every receiver there is but `&mut self`.

use std::sync::Arc;

use cached_runtime::{cache, invalidate};

use crate::world::{Runs, world};

#[derive(Clone)]
struct Service {
    tenant: String,
    runs: Arc<Runs>,
}

impl Service {
    fn new(tenant: &str) -> Self {
        Self {
            tenant: tenant.to_owned(),
            runs: Arc::default(),
        }
    }

    #[cache(skip(self), backend = "local")]
    async fn by_reference(&self, id: u64) -> u64 {
        self.runs.next() + id
    }

    #[cache(skip(self), backend = "local")]
    async fn by_arc(self: Arc<Self>, id: u64) -> u64 {
        self.runs.next() + id
    }

    #[cache(key = "f7:arc:{self.tenant}:{id}", backend = "local")]
    async fn by_arc_in_key(self: Arc<Self>, id: u64) -> u64 {
        self.runs.next() + id
    }

    #[cache(key = "f7:arc-reference:{self.tenant}:{id}", backend = "local")]
    async fn by_arc_reference(self: &Arc<Self>, id: u64) -> u64 {
        Arc::clone(self).runs.next() + id
    }

    #[cache(key = "f7:value:{self.tenant}", backend = "local")]
    async fn by_value(self) -> u64 {
        let Self { runs, .. } = self;
        runs.next()
    }

    #[cache(key = "f7:mutable-value:{self.tenant}", backend = "local")]
    async fn by_mutable_value(mut self) -> String {
        self.tenant.push('!');
        self.tenant
    }

    #[cache(backend = "local")]
    async fn without_receiver(other: u64) -> Vec<Self> {
        let _ = other;
        vec![Self::new("made")]
    }

    #[invalidate(self.by_arc_in_key(id), self.by_arc_reference(id), Self::by_reference(id))]
    async fn write(&self, id: u64) {
        let _ = id;
    }

    #[invalidate(self.by_arc_in_key(id))]
    async fn write_by_arc(self: Arc<Self>, id: u64) {
        let _ = id;
    }
}

#[tokio::test]
async fn every_receiver_is_cached() {
    world(async |_| {
        let service = Arc::new(Service::new("a"));
        let other = Arc::new(Service::new("b"));
        for _ in 0..2 {
            assert_eq!(service.by_reference(0).await, 1);
            assert_eq!(Arc::clone(&service).by_arc(0).await, 2);
            assert_eq!(Arc::clone(&service).by_arc_in_key(0).await, 3);
            assert_eq!(service.by_arc_reference(0).await, 4);
            assert_eq!(Service::clone(&service).by_value().await, 5);
            assert_eq!(Service::clone(&service).by_mutable_value().await, "a!");
            assert_eq!(Service::without_receiver(1).await[0].tenant, "made");
            assert_eq!(Arc::clone(&other).by_arc_in_key(0).await, 1);
        }
        assert_eq!(service.by_arc_in_key_entry(0).get().await.unwrap(), Some(3));
        assert_eq!(service.by_value_entry().get().await.unwrap(), Some(5));
        assert_eq!(Service::by_arc_entry(0).get().await.unwrap(), Some(2));
        assert_eq!(Service::without_receiver_cache().stats().loads, 1);
        assert_eq!(service.by_reference_uncached(0).await, 6);
        assert_eq!(Arc::clone(&service).by_arc_uncached(0).await, 7);
    })
    .await;
}

#[tokio::test]
async fn writers_reach_entries_through_self() {
    world(async |_| {
        let (a, b) = (Arc::new(Service::new("a")), Arc::new(Service::new("b")));
        for service in [&a, &b] {
            Arc::clone(service).by_arc_in_key(1).await;
            service.by_arc_reference(1).await;
        }
        a.by_reference(1).await;
        a.write(1).await;
        assert_eq!(a.by_arc_in_key_entry(1).get().await.unwrap(), None);
        assert_eq!(a.by_arc_reference_entry(1).get().await.unwrap(), None);
        assert_eq!(Service::by_reference_entry(1).get().await.unwrap(), None);
        assert!(b.by_arc_in_key_entry(1).get().await.unwrap().is_some());
        assert!(b.by_arc_reference_entry(1).get().await.unwrap().is_some());
        Arc::clone(&b).write_by_arc(1).await;
        assert!(b.by_arc_in_key_entry(1).get().await.unwrap().is_none());
    })
    .await;
}

#[derive(Clone, Copy)]
enum Colour {
    Red,
    Blue,
}

impl Colour {
    #[cache(skip(self), name = "f7 enum", backend = "local")]
    async fn code(&self, id: u64) -> u64 {
        match self {
            Self::Red => id,
            Self::Blue => id + 1,
        }
    }
}

#[tokio::test]
async fn methods_of_an_enum() {
    world(async |_| {
        assert_eq!(Colour::Red.code(1).await, 1);
        assert_eq!(Colour::Blue.code(1).await, 1, "`self` was skipped");
    })
    .await;
}

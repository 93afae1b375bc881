// mistakes: 5
use cached_runtime::cache;
use std::collections::HashMap;

trait Find {
    async fn find(&self, id: u64) -> u64;
    fn future(&self, id: u64) -> impl Future<Output = u64>;
    async fn without_self(id: u64) -> u64;
    async fn many(&self, ids: &[u64]) -> HashMap<u64, u64>;
    async fn stale(&self, id: u64) -> u64;
    async fn alone(&self, id: u64) -> u64;
}

#[derive(Clone)]
struct Users;

impl Users {
    #[cache(skip(self), backend = "local")]
    async fn user(&self, id: u64) -> u64 {
        id
    }
}

impl Find for Users {
    #[cache(skip(self))]
    async fn find(&self, id: u64) -> u64 {
        id
    }

    #[cache(skip(self))]
    fn future(&self, id: u64) -> impl Future<Output = u64> {
        async move { id }
    }

    #[cache]
    async fn without_self(id: u64) -> u64 {
        id
    }

    #[cache(entries(self.user(id) for id in ids))]
    async fn many(&self, ids: &[u64]) -> HashMap<u64, u64> {
        ids.iter().map(|id| (*id, *id)).collect()
    }

    #[cache(skip(self), ttl = "1h", stale = "5m")]
    async fn stale(&self, id: u64) -> u64 {
        id
    }

    #[cache(skip(self), companions = false)]
    async fn alone(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}

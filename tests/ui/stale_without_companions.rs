// mistakes: 1

use cached_runtime::cache;

trait Users {
    async fn user(&self, id: u64) -> u64;
}

#[derive(Clone)]
struct Db;

impl Users for Db {
    #[cache(ttl = "1h", stale = "5m", backend = "local", skip(self), companions = false)]
    async fn user(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}

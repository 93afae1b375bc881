// mistakes: 2
use cached_runtime::cache;

#[cache(tier("memory", ttl = "30s"))]
async fn user(id: u64) -> u64 {
    id
}

#[cache(tier("memory", ttl = "30s"), backend = ["local", "redis"])]
async fn of_a_chain(id: u64) -> u64 {
    id
}

// A store may have any name, and the chain may be another in each process.
#[cache(tier("memory", ttl = "30s"), backend = ["local", "memory"])]
async fn of_a_store(id: u64) -> u64 {
    id
}

#[cache(tier("redis", ttl = "30s"), tier("elsewhere", ttl = "1m"))]
async fn of_any_chain(id: u64) -> u64 {
    id
}

fn main() {}

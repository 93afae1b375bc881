use cached_runtime::cache;

const CHAIN: &[&str] = &["local", "redis"];

#[cache(backend = CHAIN, tier("memory", ttl = "30s"))]
async fn user(id: u64) -> u64 {
    id
}

#[cache(backend = CHAIN, tier("local", ttl = "30s"), tier("redis", ttl = "1h"))]
async fn right(id: u64) -> u64 {
    id
}

fn main() {}

// mistakes: 6
use cached_runtime::cache;

#[cache(ttl = "1h", stale_while_revalidate = "5m")]
async fn stale(id: u64) -> u64 {
    id
}

#[cache(write_through)]
async fn through(id: u64) -> u64 {
    id
}

#[cache(redis)]
async fn store(id: u64) -> u64 {
    id
}

#[cache(backend = redis)]
async fn backend(id: u64) -> u64 {
    id
}

#[cache("user:{id}")]
async fn key(id: u64) -> u64 {
    id
}

#[cache(ttl = "1h", refresh = "100%")]
async fn refresh(id: u64) -> u64 {
    id
}

fn main() {}

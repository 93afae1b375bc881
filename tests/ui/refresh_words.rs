// mistakes: 4

use cached_runtime::cache;

#[cache(ttl = "1h", refresh = "0%", backend = "local")]
async fn at_once(id: u64) -> u64 {
    id
}

#[cache(ttl = "1h", refresh = "100%", backend = "local")]
async fn at_its_end(id: u64) -> u64 {
    id
}

#[cache(ttl = "1h", refresh = "60m", backend = "local")]
async fn as_late(id: u64) -> u64 {
    id
}

#[cache(ttl = "1h", refresh = 45, backend = "local")]
async fn number(id: u64) -> u64 {
    id
}

fn main() {}

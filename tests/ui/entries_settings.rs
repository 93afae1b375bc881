// mistakes: 17
use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

#[cache(
    entries(user(id) for id in ids),
    key = "users:{ids}", name = "users", ttl = "1h", jitter = "10%", none_ttl = "1m", cache_if = |_| true,
    backend = "redis", tier("redis", ttl = "1m"), capacity = 10, max_bytes = "1MiB", weight = |_, _| 1,
    strategy = "write_through", single_flight = "off", share_error = |error| error.clone(), codec = "json",
    version = 2, compress = "1KiB"
)]
async fn users(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}

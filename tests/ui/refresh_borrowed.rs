// mistakes: 3

use std::borrow::Cow;

use cached_runtime::cache;

#[cache(ttl = "1h", refresh = "80%", backend = "local")]
async fn inside(names: &[&str]) -> u64 {
    names.len() as u64
}

#[cache(ttl = "1h", stale = "5m", backend = "local", skip(buffer))]
async fn exclusive(buffer: &mut Vec<u8>, id: u64) -> u64 {
    buffer.len() as u64 + id
}

#[cache(ttl = "1h", strategy = "refresh_ahead", backend = "local")]
async fn elided(name: Cow<'_, str>) -> u64 {
    name.len() as u64
}

fn main() {}

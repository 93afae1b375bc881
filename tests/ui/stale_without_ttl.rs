// mistakes: 1

use cached_runtime::cache;

#[cache(stale = "5m", backend = "local")]
async fn user(id: u64) -> u64 {
    id
}

fn main() {}

// mistakes: 1

use cached_runtime::cache;

#[cache(idle = "2h", ttl = "1h", backend = "local")]
async fn user(id: u64) -> u64 {
    id
}

fn main() {}

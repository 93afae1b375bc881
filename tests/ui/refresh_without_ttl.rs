// mistakes: 2

use cached_runtime::cache;

#[cache(refresh = "80%", backend = "local")]
async fn part(id: u64) -> u64 {
    id
}

#[cache(strategy = "refresh_ahead", backend = "local")]
async fn ahead(id: u64) -> u64 {
    id
}

fn main() {}

// mistakes: 2
use cached_runtime::cache;

// An array is as good as a slice.
const CHAIN: [&str; 2] = ["local", "redis"];
const STORE: &str = "local";

#[cache(backend = CHAIN)]
async fn user(id: u64) -> u64 {
    id
}

#[cache(backend = STORE)]
async fn of_one(id: u64) -> u64 {
    id
}

#[cache(backend = STORES)]
async fn of_none(id: u64) -> u64 {
    id
}

fn main() {}

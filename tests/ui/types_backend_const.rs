use cached_runtime::cache;

const CHAIN: [&str; 2] = ["local", "redis"];

#[cache(backend = CHAIN)]
async fn user(id: u64) -> u64 {
    id
}

fn main() {}

use cached_runtime::{cache, update};

type Saved = Result<u64, String>;

#[cache(strategy = "write_behind", backend = "local")]
async fn get_user(id: u64) -> u64 {
    id
}

#[update(get_user(id) = id, strategy = "write_behind")]
async fn save(id: u64) -> Saved {
    Ok(id)
}

fn main() {}

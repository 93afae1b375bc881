// mistakes: 4
use cached_runtime::{cache, update};

#[cache(strategy = "write_behind", backend = "local")]
async fn get_user(id: u64) -> u64 {
    id
}

#[update(get_user(id) = id, strategy = "write_behind")]
async fn value(id: u64) -> Result<u64, String> {
    Ok(id)
}

#[update(get_user(id) = id, strategy = "write_behind")]
async fn option(id: u64) -> Option<()> {
    let _ = id;
    None
}

#[update(get_user(id) = id, strategy = "write_behind")]
async fn pair(id: u64) -> (u64, u64) {
    (id, id)
}

#[update(get_user(id) = id, strategy = "write_behind")]
async fn reference(id: &'static u64) -> &'static u64 {
    id
}

fn main() {}

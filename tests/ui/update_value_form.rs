// mistakes: 2
use cached_runtime::{cache, update};

#[cache]
async fn user(id: u64) -> u64 {
    id
}

#[update(user(id) => id)]
async fn arrow(id: u64) {
    let _ = id;
}

#[update(user(id), value = id)]
async fn named(id: u64) {
    let _ = id;
}

fn main() {}

// mistakes: 4
use cached_runtime::{cache, invalidate, update};

#[cache]
async fn get_user(id: u64) -> u64 {
    id
}

#[invalidate(get_usr(id))]
async fn rename(id: u64) {
    let _ = id;
}

#[update(get_usr(id) = id)]
async fn store(id: u64) {
    let _ = id;
}

#[invalidate(get_usr(output))]
async fn create() -> u64 {
    1
}

#[invalidate(list_posts(..))]
async fn publish() {}

fn main() {}

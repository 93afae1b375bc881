// mistakes: 4
use cached_runtime::{cache, update};

#[cache(strategy = "write_behind", backend = "local")]
async fn later(id: u64) -> u64 {
    id
}

#[cache(strategy = "write_through", backend = "local")]
async fn at_once(id: u64) -> u64 {
    id
}

#[update(later(id) = id)]
async fn not_said(id: u64) {
    let _ = id;
}

#[update(later(id))]
async fn not_said_either(id: u64) -> u64 {
    id
}

#[update(at_once(id) = id, strategy = "write_behind")]
async fn said_in_vain(id: u64) {
    let _ = id;
}

#[update(later(id) = "one", strategy = "write_behind")]
async fn wrong_value(id: u64) {
    let _ = id;
}

fn main() {}

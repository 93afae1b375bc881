// mistakes: 6
use cached_runtime::{cache, update};

#[cache(strategy = "write_behind", backend = "local")]
async fn get_user(id: u64) -> u64 {
    id
}

#[update(entries(get_user(user) = *user for user in output), strategy = "write_behind")]
async fn not_returned_yet(ids: &[u64]) {
    let _ = ids;
}

#[update(entries(get_user(user) for user in ids), strategy = "write_behind")]
async fn without_a_value(ids: &[u64]) {
    let _ = ids;
}

#[update(entries(get_user(user) = *user for user in ids), strategy = "write_behind")]
async fn as_many_as_ever(ids: [u64; 3]) {
    let _ = ids;
}

#[update(entries(get_user(user) = *user for user in ids), strategy = "write_behind")]
async fn lent(ids: &mut Vec<u64>) {
    let _ = ids;
}

#[update(entries(get_user(user) = *user for user in ids), strategy = "write_behind")]
async fn counted(ids: &[u64]) -> usize {
    ids.len()
}

#[update(entries(get_user(user) = *user for user in ids), strategy = "write_behind")]
async fn of_any_kind(ids: impl Iterator<Item = u64>) {
    let _ = ids;
}

fn main() {}

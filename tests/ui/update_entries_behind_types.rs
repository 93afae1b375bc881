// mistakes: 6
use cached_runtime::{cache, update};
use std::rc::Rc;

pub struct Unique(u64);

#[cache(strategy = "write_behind", backend = "local")]
async fn get_user(id: u64) -> u64 {
    id
}

#[cache(strategy = "write_through", backend = "local")]
async fn at_once(id: u64) -> u64 {
    id
}

#[update(entries(at_once(id) = *id for id in ids), strategy = "write_behind")]
async fn said_in_vain(ids: &[u64]) {
    let _ = ids;
}

#[update(entries(get_user(id) = "one" for id in ids), strategy = "write_behind")]
async fn wrong_value(ids: &[u64]) {
    let _ = ids;
}

#[update(entries(get_user(user.0) = user.0 for user in users), strategy = "write_behind")]
async fn not_copied(users: &[Unique]) {
    let _ = users;
}

#[update(entries(get_user(**user) = **user for user in users), strategy = "write_behind")]
async fn not_sent(users: Vec<Rc<u64>>) {
    let _ = users;
}

#[update(entries(get_user(id) = *id for id in ids), strategy = "write_behind")]
async fn no_list(ids: Unique) {
    let _ = ids;
}

#[update(entries(get_user(id) = *id for id in ids), strategy = "write_behind")]
async fn an_argument(unique: Unique, ids: Vec<u64>) {
    let _ = (unique, ids);
}

fn main() {}

// mistakes: 9
use cached_runtime::{cache, update};

#[derive(Clone)]
pub struct User {
    pub id: u64,
}

#[cache(strategy = "write_through", backend = "local")]
async fn get_user(id: u64) -> Option<User> {
    Some(User { id })
}

#[cache(strategy = "write_behind", backend = "local")]
async fn later(id: u64) -> Option<User> {
    Some(User { id })
}

async fn plain(id: u64) -> Option<User> {
    Some(User { id })
}

#[update(entries(get_user(user.id) = user.id for user in users))]
async fn wrong_value(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(user.id) = user for user in users))]
async fn not_owned(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user((user.id, "one")) = user.clone() for user in users))]
async fn wrong_key(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(user.name) = user.clone() for user in users))]
async fn no_such_field(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(user.id, 1) = user.clone() for user in users))]
async fn too_many(users: &[User]) {
    let _ = users;
}

#[update(entries(plain(user.id) = user.clone() for user in users))]
async fn not_cached(users: &[User]) {
    let _ = users;
}

#[update(entries(later(user.id) = user.clone() for user in users))]
async fn not_said(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(user.id) = user.clone() for user in users))]
async fn no_list(users: User) {
    let _ = users;
}

#[update(entries(get_user(user.id) = user.clone() for user in output))]
async fn returned_no_list(id: u64) -> User {
    User { id }
}

fn main() {}

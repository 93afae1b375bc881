// mistakes: 14
use cached_runtime::{cache, update};

#[derive(Clone)]
pub struct User {
    pub id: u64,
}

#[cache(strategy = "write_through", backend = "local")]
async fn get_user(id: u64) -> Option<User> {
    Some(User { id })
}

#[update(entries(get_user(user.id) = user.clone()))]
async fn b(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user = user.clone() for user in users))]
async fn c(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(..) = user.clone() for user in users))]
async fn d(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(user.id) = user.clone() for User { id } in users))]
async fn e(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(user.id) = user.clone() for user in users.iter()))]
async fn f(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(user.id) for user in users))]
async fn without_a_value(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(user.id) for user in output))]
async fn what_it_returns() -> Vec<User> {
    Vec::new()
}

#[update(entries(get_user(user.id) = user.clone() for user in usres))]
async fn no_such_argument(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(1) = user.clone() for user in users))]
async fn one_entry_for_all(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(user.id) = output.clone() for user in users))]
async fn value_too_late(users: &[User]) -> User {
    users[0].clone()
}

#[update(entries(get_user(output) = user.clone() for user in users))]
async fn key_too_late(users: &[User]) -> u64 {
    users[0].id
}

#[update(entries(get_user(output.id) = output.clone() for output in users))]
async fn another_output(users: &[User]) {
    let _ = users;
}

#[update(entries(get_user(user.id) = user.clone() for user in output))]
async fn nothing_returned() -> Result<(), String> {
    Ok(())
}

fn main() {}

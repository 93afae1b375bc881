// mistakes: 8
use cached_runtime::update;

#[update(entries(get_user(user.0) = *user for user in users), batch = 500, every = "200ms")]
async fn at_once(users: &[(u64, u64)]) {
    let _ = users;
}

#[update(get_user(id) = id, strategy = "write_behind", batch = 500, every = "200ms")]
async fn one(id: u64) {
    let _ = id;
}

#[update(entries(get_user(user.0) = *user for user in users), strategy = "write_behind", batch = 0, every = 200)]
async fn numbers(users: &[(u64, u64)]) {
    let _ = users;
}

#[update(entries(get_user(user.0) = *user for user in users), strategy = "write_behind", batch = 500, queue = 100)]
async fn never_full(users: &[(u64, u64)]) {
    let _ = users;
}

#[update(entries(get_user(user.0) = *user for user in users), entries(get_user(user.1) = *user for user in users), strategy = "write_behind")]
async fn two(users: &[(u64, u64)]) {
    let _ = users;
}

fn main() {}

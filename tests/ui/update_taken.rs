use cached_runtime::{cache, update};

#[derive(Clone)]
struct User(u64);

#[cache(backend = "local")]
async fn get_user(id: u64) -> User {
    User(id)
}

// The body needs it too.
#[update(get_user(user.0) = user)]
async fn save(user: User) -> u64 {
    user.0
}

fn main() {}

// mistakes: 7
use std::sync::Arc;

use cached_runtime::{cache, update};

#[derive(Clone)]
struct User(u64);

mod users {
    #[cached_runtime::cache]
    pub async fn user(id: u64) -> u64 {
        id
    }
}

use users::user;

#[cache(backend = "local")]
async fn get_user(id: u64) -> Result<Option<Arc<User>>, String> {
    Ok(Some(Arc::new(User(id))))
}

// The function keeps an `Arc`.
#[update(get_user(id))]
async fn wrong_return(id: u64) -> Result<User, String> {
    Ok(User(id))
}

#[update(get_user(id) = User(id))]
async fn wrong_value(id: u64) {
    let _ = id;
}

// The value, and not what the reader returns.
#[update(get_user(id) = Some(Arc::new(User(id))))]
async fn wrapped(id: u64) {
    let _ = id;
}

#[update(get_user(name) = Arc::new(User(1)))]
async fn wrong_key(name: &str) {
    let _ = name;
}

#[update(get_user() = Arc::new(User(1)))]
async fn no_key() {}

// The companions are beside `users::user`.
#[update(user(id) = 1)]
async fn imported_alone(id: u64) -> u64 {
    user(id).await
}

#[update(get_user(output.id) = Arc::new(output.clone()))]
async fn no_such_field(id: u64) -> User {
    User(id)
}

fn main() {}

// mistakes: 3
use cached_runtime::{cache, invalidate};

mod users {
    #[cached_runtime::cache]
    pub async fn user(id: u64) -> u64 {
        id
    }
}

use users::user;

#[cache]
async fn post(id: u64) -> u64 {
    id
}

// A name, not an id.
#[invalidate(post(name))]
async fn wrong_type(name: &str) -> u64 {
    name.len() as u64
}

// The companions are beside `users::user`.
#[invalidate(user(id))]
async fn imported_alone(id: u64) -> u64 {
    user(id).await
}

#[invalidate(post(output.id))]
async fn no_such_field(id: u64) -> u64 {
    id
}

fn main() {}

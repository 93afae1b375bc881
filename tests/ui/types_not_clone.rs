// mistakes: 2
use cached_runtime::cache;

struct User;

#[cache(backend = "local")]
async fn user(id: u64) -> Result<User, String> {
    Err(id.to_string())
}

#[cache(backend = "local", companions = false)]
async fn users(id: u64) -> Option<Vec<User>> {
    Some(Vec::with_capacity(id as usize))
}

fn main() {}

use cached_runtime::cache;

struct User;

#[cache(backend = "local")]
async fn user(id: u64) -> Result<User, String> {
    Err(id.to_string())
}

fn main() {}

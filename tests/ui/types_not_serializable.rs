use cached_runtime::cache;

#[derive(Clone)]
struct User;

#[cache]
async fn user(id: u64) -> Result<User, String> {
    Err(id.to_string())
}

fn main() {}

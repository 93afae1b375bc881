// mistakes: 2
use cached_runtime::cache;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct User(u64);

type Found = Result<Option<User>, ()>;

#[cache(none_ttl = "30s")]
async fn user(id: u64) -> User {
    User(id)
}

#[cache(none_ttl = "30s")]
async fn found(id: u64) -> Found {
    Ok(Some(User(id)))
}

impl User {
    #[cache(ttl = "1h", none_ttl = "30s", refresh = "80%")]
    async fn of(id: u64) -> Self {
        Self(id)
    }
}

fn main() {}

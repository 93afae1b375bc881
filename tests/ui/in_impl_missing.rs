// mistakes: 2

use cached_runtime::cache;

struct Users;

impl Users {
    #[cache]
    async fn user(id: u64) -> Option<String> {
        Some(id.to_string())
    }

    #[cache(ttl = "1h", stale = "5m")]
    async fn again(id: u64) -> Option<String> {
        Some(id.to_string())
    }
}

fn main() {}

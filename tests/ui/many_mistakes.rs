// mistakes: 7
use cached_runtime::cache;

#[cache(key = "user:{idd}", ttl = "1hour", ttl = "1h", capasity = 3, backend = ["redis", "local"], codec = "yaml", jitter = 5, fallback = "1m")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

// The function is there all the same: nothing below is reported.
async fn caller() -> Option<String> {
    user(1).await
}

fn main() {}

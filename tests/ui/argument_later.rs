// mistakes: 5
use cached_runtime::cache;

#[cache(fallback = "1h", timeout = "200ms", max_stale = "1s", max_loads = 32, tags = ["org:{id}"])]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

// mistakes: 9
use cached_runtime::cache;

#[cache(idle = "10m", expires = |value| value.end, refresh = "80%", stale = "5m", fallback = "1h", timeout = "200ms", max_stale = "1s", max_loads = 32, tags = ["org:{id}"])]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

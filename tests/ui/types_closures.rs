// mistakes: 7
use cached_runtime::cache;

#[cache(ttl = |value| value.len(), cache_if = |value| value.nothing(), share_error = |error| 7)]
async fn user(id: u64) -> Result<String, String> {
    Ok(id.to_string())
}

#[cache(max_bytes = "1MiB", weight = |key, value| value.len(), cache_if = |value| value.get(0))]
async fn bytes(id: u64) -> Option<Vec<u8>> {
    Some(vec![id as u8])
}

// The value, and not what the function returns.
#[cache(cache_if = |value: &Option<String>| value.is_some())]
async fn some(id: u64) -> Option<String> {
    Some(id.to_string())
}

#[cache(ttl = |value: &String| std::time::Duration::from_secs(value))]
async fn named(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

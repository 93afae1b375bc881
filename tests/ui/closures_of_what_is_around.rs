// mistakes: 5
use cached_runtime::cache;

#[cache(backend = "local", cache_if = |user: &Result<Vec<u8>, String>| user.is_ok())]
async fn user(id: u64) -> Result<Vec<u8>, String> {
    Ok(vec![id as u8])
}

#[cache(backend = "local", ttl = |user: &Option<u64>| std::time::Duration::from_secs(user.unwrap_or(1)))]
async fn found(id: u64) -> Option<u64> {
    Some(id)
}

#[cache(backend = "local", weight = |_, user: &Option<u64>| user.map_or(1, |_| 8), max_bytes = "1MiB")]
async fn weighed(id: u64) -> Result<Option<u64>, String> {
    Ok(Some(id))
}

#[cache(backend = "local", cache_if = |user: u64| user > 1)]
async fn by_value(id: u64) -> Option<u64> {
    Some(id)
}

#[cache(backend = "local", cache_if = |user: &u32| *user > 1)]
async fn of_another_type(id: u64) -> Option<u64> {
    Some(id)
}

// What is kept is an `Option` itself.
#[cache(backend = "local", cache_if = |user: &Option<u64>| user.is_some())]
async fn twice(id: u64) -> Result<Option<Option<u64>>, String> {
    Ok(Some(Some(id)))
}

fn main() {}

use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

#[cache(entries(user(id) for id in ids))]
async fn users(ids: &[u64]) -> Result<Option<HashMap<u64, String>>, String> {
    Ok(Some(ids.iter().map(|id| (*id, id.to_string())).collect()))
}

fn main() {}

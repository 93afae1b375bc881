use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

#[cache(entries(user(id) for id in ids))]
async fn users(ids: &[u64]) -> Result<HashMap<u64, Option<String>>, String> {
    Ok(ids.iter().map(|id| (*id, Some(id.to_string()))).collect())
}

fn main() {}

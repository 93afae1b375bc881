// mistakes: 2
use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

#[cache(entries(user(id + first) for id in ids), skip(ids, first))]
async fn users(first: u64, ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, (id + first).to_string())).collect()
}

fn main() {}

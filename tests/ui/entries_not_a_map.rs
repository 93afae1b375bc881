use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

#[cache(entries(user(id) for id in ids))]
async fn users(ids: &[u64]) -> Vec<String> {
    let _: HashMap<u64, String>;
    ids.iter().map(u64::to_string).collect()
}

fn main() {}

use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

#[cache(entries(user(id) for id in ids))]
async fn users(ids: &[u64]) {
    let _: HashMap<u64, String>;
    let _ = ids;
}

fn main() {}

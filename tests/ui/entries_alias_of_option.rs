use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

type Users = Option<HashMap<u64, String>>;

#[cache(entries(user(id) for id in ids))]
async fn users(ids: &[u64]) -> Users {
    Some(ids.iter().map(|id| (*id, id.to_string())).collect())
}

fn main() {}

use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

struct Connection;

#[cache(entries(user(id) for id in ids), skip(connection))]
async fn users(connection: Connection, ids: &[u64]) -> HashMap<u64, String> {
    let _ = connection;
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}

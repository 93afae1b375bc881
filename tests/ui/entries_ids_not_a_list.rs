// mistakes: 4
use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

#[cache(entries(user(id) for id in ids))]
async fn of_array(ids: [u64; 3]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

#[cache(entries(user(id) for id in ids))]
async fn of_any(ids: impl IntoIterator<Item = u64>) -> HashMap<u64, String> {
    ids.into_iter().map(|id| (id, id.to_string())).collect()
}

#[cache(entries(user(id) for id in ids))]
async fn of_mine(ids: &mut Vec<u64>) -> HashMap<u64, String> {
    ids.drain(..).map(|id| (id, id.to_string())).collect()
}

#[cache(entries(user(id) for id in ids))]
async fn of_one(ids: u64) -> HashMap<u64, String> {
    HashMap::from([(ids, ids.to_string())])
}

fn main() {}

// mistakes: 6
use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

#[cache(entries)]
async fn a(ids: &[u64]) -> HashMap<u64, String> {
    a_map(ids)
}

#[cache(entries(user(id)))]
async fn b(ids: &[u64]) -> HashMap<u64, String> {
    a_map(ids)
}

#[cache(entries(user for id in ids))]
async fn c(ids: &[u64]) -> HashMap<u64, String> {
    a_map(ids)
}

#[cache(entries(user(..) for id in ids))]
async fn d(ids: &[u64]) -> HashMap<u64, String> {
    a_map(ids)
}

#[cache(entries(user(id) for (id, _) in ids))]
async fn e(ids: &[u64]) -> HashMap<u64, String> {
    a_map(ids)
}

#[cache(entries(user(id) for id in ids.iter()))]
async fn f(ids: &[u64]) -> HashMap<u64, String> {
    a_map(ids)
}

fn a_map(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}

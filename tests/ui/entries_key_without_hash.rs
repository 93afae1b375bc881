use cached_runtime::{KeyPart, cache};
use std::collections::BTreeMap;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, KeyPart)]
struct UserId(u64);

#[cache(backend = "local")]
async fn user(id: &UserId) -> Option<String> {
    Some(id.0.to_string())
}

#[cache(entries(user(id) for id in ids))]
async fn users(ids: &[UserId]) -> BTreeMap<UserId, String> {
    ids.iter().map(|id| (id.clone(), id.0.to_string())).collect()
}

fn main() {}

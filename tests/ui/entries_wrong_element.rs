use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

#[cache(entries(user(id) for id in names))]
async fn users(names: &[String]) -> HashMap<String, String> {
    names.iter().map(|name| (name.clone(), name.clone())).collect()
}

fn main() {}

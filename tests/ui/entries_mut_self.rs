use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

struct Shop;

impl Shop {
    #[cache(entries(user(id) for id in ids), skip(self))]
    async fn users(&mut self, ids: &[u64]) -> HashMap<u64, String> {
        ids.iter().map(|id| (*id, id.to_string())).collect()
    }
}

fn main() {}

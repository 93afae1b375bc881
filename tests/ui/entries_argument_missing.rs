// mistakes: 2
use cached_runtime::cache;
use std::collections::HashMap;

#[cache(backend = "local")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

struct Shop;

impl Shop {
    #[cache(entries(user(id) for id in ids))]
    async fn users(&self, tenant: u64, ids: &[u64]) -> HashMap<u64, String> {
        ids.iter().map(|id| (*id, tenant.to_string())).collect()
    }
}

fn main() {}

use cached_runtime::cache;

#[cache(tier(ttl = "30s"))]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

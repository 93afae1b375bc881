use cached_runtime::cache;

#[cache(backend = ["local", "redis"], tier("rediss", ttl = "1h"))]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

use cached_runtime::cache;

#[cache(tier("local", ttl = "30s"), tier("local", capacity = 10))]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

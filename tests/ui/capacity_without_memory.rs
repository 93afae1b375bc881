use cached_runtime::cache;

#[cache(backend = "redis", capacity = 10)]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

use cached_runtime::cache;

#[cache(backend = "local, redis")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

use cached_runtime::cache;

#[cache(cache_if = true)]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

use cached_runtime::cache;

#[cache(ttl = "1hour")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

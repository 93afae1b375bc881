use cached_runtime::cache;

#[cache(ttl = 60)]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

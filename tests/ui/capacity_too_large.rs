use cached_runtime::cache;

#[cache(capacity = 100_000_000_000_000_000_000)]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

use cached_runtime::cache;

#[cache(capacity = 0)]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

use cached_runtime::cache;

#[cache(capacity = 10, tier("local", capacity = 20))]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

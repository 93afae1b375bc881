use cached_runtime::cache;

#[cache(max_bytes = "1MiB", weight = |value| 1)]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

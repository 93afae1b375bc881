use cached_runtime::cache;

#[cache(max_bytes = "64MiB")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

// mistakes: 3
use cached_runtime::cache;

#[cache(backend = "local", codec = "json", version = 2, compress = "1KiB")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

use cached_runtime::cache;

#[cache(companions = "no")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

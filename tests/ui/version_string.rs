use cached_runtime::cache;

#[cache(version = "2")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

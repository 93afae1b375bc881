use cached_runtime::cache;

#[cache(max_bytes = "64 megs", weight = |_, value| value.len() as u64)]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

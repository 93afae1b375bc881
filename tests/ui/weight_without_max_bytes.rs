use cached_runtime::cache;

#[cache(weight = |_, value| value.len() as u64)]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

use cached_runtime::cache;

#[cache(ttl = |value| value.len(), cache_if = |value| value.nothing(), share_error = |error| 7)]
async fn user(id: u64) -> Result<String, String> {
    Ok(id.to_string())
}

fn main() {}

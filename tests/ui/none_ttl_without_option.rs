use cached_runtime::cache;

#[cache(none_ttl = "30s")]
async fn user(id: u64) -> Result<String, ()> {
    Ok(id.to_string())
}

fn main() {}

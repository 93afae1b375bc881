use cached_runtime::cache;

#[cache(key = "user:{id}")]
async fn user(region: &str, id: u64) -> Result<String, ()> {
    Ok(format!("{region}{id}"))
}

fn main() {}

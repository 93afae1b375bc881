use cached_runtime::invalidate;

#[invalidate(pattern = "user:{name}:*")]
async fn rename(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

use cached_runtime::invalidate;

#[invalidate(key = "user:{idd}")]
async fn rename(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

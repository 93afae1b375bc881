use cached_runtime::invalidate;

#[invalidate()]
async fn rename(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

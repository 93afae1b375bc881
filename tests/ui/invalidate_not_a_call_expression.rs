use cached_runtime::invalidate;

#[invalidate(1 + 2)]
async fn rename(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

use cached_runtime::invalidate;

#[invalidate(wen = "before", get_user(id))]
async fn rename(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

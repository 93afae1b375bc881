use cached_runtime::invalidate;

#[invalidate(get_user(id), caches = id)]
async fn rename(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

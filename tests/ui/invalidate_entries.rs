use cached_runtime::invalidate;

#[invalidate(entries(get_user(id) for id in ids))]
async fn rename(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

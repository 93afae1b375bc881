use cached_runtime::invalidate;

#[invalidate(get_user(id), when = "afterwards")]
async fn rename(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

use cached_runtime::invalidate;

#[invalidate(get_user(id), when = "before", when = "always")]
async fn rename(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

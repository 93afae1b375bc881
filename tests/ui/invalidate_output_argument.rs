use cached_runtime::invalidate;

#[invalidate(get_user(output.id))]
async fn rename(output: u64) -> Result<u64, ()> {
    Ok(output)
}

fn main() {}

// mistakes: 2
use cached_runtime::invalidate;

#[invalidate(get_user(output.id), key = "user:{output}", when = "always")]
async fn rename(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

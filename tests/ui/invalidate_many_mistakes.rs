// mistakes: 5
use cached_runtime::invalidate;

#[invalidate(get_user, key = "user:{idd}", when = "late", tag = "a", entries(a(b) for b in c))]
async fn rename(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

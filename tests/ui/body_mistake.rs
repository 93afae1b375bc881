// mistakes: 2
use cached_runtime::cache;

// A mistake in the body is told once, and where it is.
#[cache]
async fn user(id: u64) -> Result<u64, String> {
    let user: u32 = id;
    Ok(user.into())
}

#[cache(companions = false)]
async fn alone(id: u64) -> Result<u64, String> {
    let user: u32 = id;
    Ok(user.into())
}

fn main() {}

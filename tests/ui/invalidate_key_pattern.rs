// mistakes: 2
use cached_runtime::invalidate;

#[invalidate(key = "user:*")]
async fn all() {}

#[invalidate(key = "user:{id}:*:name")]
async fn names(id: u64) {
    let _ = id;
}

#[invalidate(key = "2*3:{id}")]
async fn product(id: u64) {
    let _ = id;
}

fn main() {}

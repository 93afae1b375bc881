use cached_runtime::{cache, invalidate};

#[cache]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

#[invalidate(user(id) for id in ids)]
async fn rename(ids: &[u64]) {
    let _ = ids;
}

fn main() {}

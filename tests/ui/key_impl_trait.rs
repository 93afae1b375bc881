use cached_runtime::cache;

#[cache]
async fn user(id: impl Into<u64>) -> Option<u64> {
    Some(id.into())
}

fn main() {}

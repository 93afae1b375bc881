use cached_runtime::cache;

#[cache]
async fn name(id: u64) -> Option<Result<u64, String>> {
    Some(Ok(id))
}

fn main() {}

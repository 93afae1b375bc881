// mistakes: 2
use cached_runtime::cache;

#[cache]
async fn name(id: u64) -> Result<Result<u64, String>, std::io::Error> {
    Ok(Ok(id))
}

#[cache]
async fn optional(id: u64) -> Result<Option<Result<u64, String>>, std::io::Error> {
    Ok(Some(Ok(id)))
}

fn main() {}

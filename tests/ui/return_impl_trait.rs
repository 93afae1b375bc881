use cached_runtime::cache;

#[cache]
async fn name(id: u64) -> Result<impl std::fmt::Display, ()> {
    Ok(id)
}

fn main() {}

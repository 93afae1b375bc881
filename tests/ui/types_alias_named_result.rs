use cached_runtime::cache;

mod answers {
    pub type Result<T> = std::result::Result<Option<T>, String>;
}

#[cache]
async fn user(id: u64) -> answers::Result<u64> {
    Ok(Some(id))
}

fn main() {}

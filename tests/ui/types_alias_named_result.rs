use cached_runtime::cache;

mod answers {
    pub type Result<T> = std::result::Result<Vec<T>, String>;
}

#[cache]
async fn user(id: u64) -> answers::Result<u64> {
    Ok(vec![id])
}

fn main() {}

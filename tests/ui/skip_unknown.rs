use cached_runtime::cache;

#[cache(key = "user:{id}", skip(database))]
async fn user(databse: &str, id: u64) -> Option<String> {
    Some(format!("{databse}{id}"))
}

fn main() {}

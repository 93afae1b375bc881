use cached_runtime::cache;

#[cache(key = "user:{id}", skip(db, db))]
async fn user(db: &str, id: u64) -> Option<String> {
    Some(format!("{db}{id}"))
}

fn main() {}

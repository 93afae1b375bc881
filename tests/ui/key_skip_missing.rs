use cached_runtime::cache;

struct Db;

#[cache]
async fn user(db: &Db, id: u64) -> Option<u64> {
    let _ = db;
    Some(id)
}

fn main() {}

// mistakes: 4

use cached_runtime::{KeyPart, cache};

struct Db;

impl Db {
    #[cache(ttl = "1h", refresh = "80%", backend = "local", skip(self))]
    async fn method(&self, id: u64) -> u64 {
        id
    }
}

#[cache(ttl = "1h", refresh = "80%", backend = "local", skip(db))]
async fn function(db: &Db, id: u64) -> u64 {
    let _ = db;
    id
}

#[cache(ttl = "1h", refresh = "80%", backend = "local", skip(db))]
async fn object(db: &(dyn Fn() + Sync), id: u64) -> u64 {
    db();
    id
}

#[cache(ttl = "1h", refresh = "80%", backend = "local")]
async fn generic<T: KeyPart + Sync>(id: &T) -> u64 {
    let _ = id;
    1
}

fn main() {}

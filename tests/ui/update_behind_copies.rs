// mistakes: 3
use cached_runtime::{cache, update};

struct Db;

#[cache(strategy = "write_behind", backend = "local")]
async fn get_user(id: u64) -> u64 {
    id
}

#[update(get_user(id) = id, strategy = "write_behind")]
async fn borrowed(db: &Db, id: u64) {
    let _ = (db, id);
}

#[update(get_user(id) = id, strategy = "write_behind")]
async fn owned(db: Db, id: u64) {
    let _ = (db, id);
}

struct Users;

impl Users {
    #[update(get_user(id) = id, strategy = "write_behind")]
    async fn of_self(&self, id: u64) {
        let _ = (self, id);
    }
}

fn main() {}

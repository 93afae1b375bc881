// mistakes: 2

use std::cell::Cell;
use std::rc::Rc;

use cached_runtime::cache;

#[derive(Clone)]
struct Db(Rc<u8>);

#[cache(ttl = "1h", refresh = "80%", backend = "local", skip(db))]
async fn borrowed(db: &Db, id: u64) -> u64 {
    u64::from(*db.0) + id
}

#[cache(ttl = "1h", stale = "5m", backend = "local")]
async fn held(id: u64) -> u64 {
    let cell = Rc::new(Cell::new(id));
    std::future::ready(()).await;
    cell.get()
}

fn main() {}

// mistakes: 6, told in 7: the compiler counts arguments apart from their types
use cached_runtime::{cache, invalidate};

struct Db;

#[derive(Clone, Copy, cached_runtime::KeyPart)]
struct UserId(u64);

#[derive(Clone, Copy, cached_runtime::KeyPart)]
struct OrderId(u64);

#[cache(skip(db))]
async fn user(db: &Db, id: UserId) -> Option<u64> {
    let _ = db;
    Some(id.0)
}

struct Orders;

impl Orders {
    #[cache(skip(self))]
    async fn order(&self, id: OrderId) -> Option<u64> {
        Some(id.0)
    }

    async fn plain(&self, id: OrderId) -> Option<u64> {
        Some(id.0)
    }

    #[invalidate(self.order(id))]
    async fn other_id(&self, id: UserId) {
        let _ = (self, id);
    }

    #[invalidate(self.plain(id))]
    async fn not_cached(&self, id: OrderId) {
        let _ = (self, id);
    }
}

#[invalidate(user(id))]
async fn other_id(id: OrderId) {
    let _ = id;
}

// What the cached function skips is not passed.
#[invalidate(user(db, id))]
async fn skipped(db: &Db, id: UserId) {
    let _ = (db, id);
}

#[invalidate(user())]
async fn none() {}

#[invalidate(user(output))]
async fn of_output(id: UserId) -> OrderId {
    OrderId(id.0)
}

fn main() {}

//! What the body holds over an await is the user's; what the cache holds is not in the way.
// mistakes: 1
use cached_runtime::cache;
use std::rc::Rc;

#[cache]
async fn user(id: u64) -> Option<u64> {
    let id = Rc::new(id);
    tokio::task::yield_now().await;
    Some(*id)
}

fn main() {
    drop(tokio::spawn(user(1)));
}

// mistakes: 4
use cached_runtime::cache;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[derive(Clone)]
struct Seen {
    by: RefCell<Vec<u64>>,
}

#[cache(backend = "local")]
async fn name(id: u64) -> Option<Rc<str>> {
    Some(id.to_string().into())
}

#[cache(backend = "local")]
async fn count(id: u64) -> Option<Cell<u64>> {
    Some(Cell::new(id))
}

#[cache(backend = "local", companions = false)]
async fn seen(id: u64) -> Option<Seen> {
    Some(Seen { by: RefCell::new(vec![id]) })
}

#[cache(backend = "local")]
async fn any<T: Clone + From<u64> + 'static>(id: u64) -> Option<T> {
    Some(T::from(id))
}

fn main() {}

// mistakes: 6
use std::borrow::Cow;

use cached_runtime::update;

struct Users;

impl Users {
    #[update(self.user(id) = 1, strategy = "write_behind")]
    async fn exclusive(&mut self, id: u64) {
        let _ = id;
    }
}

#[update(get_user(*id) = 1, strategy = "write_behind")]
async fn mutable(id: &mut u64) {
    let _ = id;
}

#[update(get_user(id) = 1, strategy = "write_behind")]
async fn borrowed_inside(id: u64, names: Vec<&str>) {
    let _ = (id, names);
}

#[update(get_user(id) = 1, strategy = "write_behind")]
async fn cow(id: u64, name: Cow<'_, str>) {
    let _ = (id, name);
}

#[update(get_user(id) = 1, strategy = "write_behind")]
async fn no_type(id: u64, name: impl Into<String>) {
    let _ = (id, name.into());
}

#[update(get_user(1) = 1, strategy = "write_behind")]
async fn no_name((a, b): (u64, u64)) {
    let _ = (a, b);
}

fn main() {}

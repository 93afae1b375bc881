// mistakes: 2
use cached_runtime::update;

#[update(get_user(id) = id, strategy = "write_through")]
async fn through(id: u64) {
    let _ = id;
}

#[update(get_user(id) = id, strategy = "write_later")]
async fn unknown(id: u64) {
    let _ = id;
}

fn main() {}

use cached_runtime::update;

#[update(get_user(id))]
fn save(id: u64) -> u64 {
    id
}

fn main() {}

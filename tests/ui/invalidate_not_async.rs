use cached_runtime::invalidate;

#[invalidate(get_user(id))]
fn rename(id: u64) -> u64 {
    id
}

fn main() {}

use cached_runtime::cache;

#[cache]
const fn user(id: u64) -> u64 {
    id
}

fn main() {}

use cached_runtime::cache;

#[cache]
async extern "C" fn user(id: u64) -> u64 {
    id
}

fn main() {}

use cached_runtime::cache;

#[cache]
async unsafe fn user(id: u64) -> u64 {
    id
}

fn main() {}

use cached_runtime::cache;

#[cache]
async fn user(id: u64) -> ! {
    panic!("{id}")
}

fn main() {}

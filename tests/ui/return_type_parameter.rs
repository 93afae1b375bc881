use cached_runtime::cache;

#[cache]
async fn name<T: From<u64>>(id: u64) -> T {
    T::from(id)
}

fn main() {}

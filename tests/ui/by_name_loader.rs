// mistakes: 1, told in 3: of the closure, of its future and of what that brings
use cached_runtime::{Cache, Error};

async fn number(numbers: &Cache<u64>) -> Result<u64, Error> {
    numbers.entry(1).get_or_load(|| async { "one" }).await
}

fn main() {}

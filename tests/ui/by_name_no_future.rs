use cached_runtime::{Cache, Error};

async fn number(numbers: &Cache<u64>) -> Result<u64, Error> {
    numbers.entry(1).get_or_load(|| 1).await
}

fn main() {}

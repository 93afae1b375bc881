// mistakes: 2
use cached_runtime::{Cache, Error};

async fn insert(numbers: &Cache<u64>) -> Result<(), Error> {
    numbers.entry(1).insert(None).await
}

async fn write(numbers: &Cache<u64>) -> Result<Result<(), Error>, Error> {
    numbers.entry(1).write_behind(None, || async { Ok(()) }).await
}

fn main() {}

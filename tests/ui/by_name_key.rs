use cached_runtime::{Cache, Entry};

fn entry(numbers: &Cache<u64>) -> Entry<u64> {
    numbers.entry(1.5)
}

fn main() {}

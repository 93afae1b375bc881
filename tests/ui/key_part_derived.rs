// mistakes: 2
use cached_runtime::{KeyPart, cache};

#[derive(KeyPart)]
struct Place {
    latitude: f64,
    name: String,
}

#[derive(KeyPart)]
enum Filter {
    All,
    Owner { of: std::collections::HashMap<u64, u64> },
}

#[cache]
async fn near(place: &Place, filter: Filter) -> Option<u64> {
    let _ = (place, filter);
    None
}

fn main() {}

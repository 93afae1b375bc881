//! A program with a mistake that a builder would refuse, two functions of one name and key, and nobody who builds.

mod log;

use cached_runtime::cache;

#[cache(name = "price", key = "price:{_id}", ttl = "1h")]
async fn price_in_cents(_id: u64) -> u64 {
    100
}

#[cache(name = "price", key = "price:{_id}", ttl = "1h", backend = "redis")]
async fn price_in_euros(_id: u64) -> u64 {
    1
}

#[tokio::main]
async fn main() {
    log::start();
    for _ in 0..2 {
        println!("{} {}", price_in_cents(1).await, price_in_euros(1).await);
    }
}

//! Chance that can be had again.

/// The seed of a randomised test: `CACHED_SEED`, else a new one. Printed, so that a failure can be repeated.
pub fn seed() -> u64 {
    let seed = match std::env::var("CACHED_SEED") {
        Ok(text) => text.parse().expect("CACHED_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("CACHED_SEED={seed}");
    seed
}

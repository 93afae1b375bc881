//! An unused cached function is reported as one; its companions are not.

#![deny(warnings)]

use cached_runtime::{cache, invalidate};

#[cache]
#[expect(dead_code, reason = "nobody calls it")]
async fn never_called(id: u64) -> u64 {
    id
}

#[cache(companions = false)]
#[expect(dead_code, reason = "nobody calls it")]
async fn never_called_alone(id: u64) -> u64 {
    id
}

#[invalidate(key = "user:{id}")]
#[expect(dead_code, reason = "nobody calls it")]
async fn never_written(id: u64) -> u64 {
    id
}

#[cache]
async fn called(id: u64) -> u64 {
    id
}

fn main() {
    let _ = called;
}

//! An unused cached function is reported as one; its companions are not.

#![deny(warnings)]

use cached_runtime::cache;

#[cache]
#[expect(dead_code)]
async fn never_called(id: u64) -> u64 {
    id
}

fn main() {}

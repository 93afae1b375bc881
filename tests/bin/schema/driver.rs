//! What both builds of the program do: call every function and say of each whether it had to load.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static LOADS: AtomicU64 = AtomicU64::new(0);

/// A run of a body.
pub(crate) fn loaded() {
    LOADS.fetch_add(1, SeqCst);
}

/// The value must be the right one in any case.
pub(crate) async fn call<T: PartialEq>(name: &str, expected: T, call: impl Future<Output = T>) {
    let before = LOADS.load(SeqCst);
    assert!(call.await == expected, "{name}: a wrong value");
    let what = if LOADS.load(SeqCst) == before {
        "kept"
    } else {
        "loaded"
    };
    println!("{name}: {what}");
}

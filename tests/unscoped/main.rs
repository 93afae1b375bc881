//! Calls in a program that enters no scope: the way of a hit that most programs take, and all other tests do not, since each
//! of theirs has a `Caches` of its own.

mod instantiations;
mod keys;
mod storm;

use std::sync::LazyLock;

use cached_runtime::Caches;

/// The process's, with what every test here needs.
static CACHES: LazyLock<Caches> = LazyLock::new(|| {
    let caches = Caches::builder().build().expect("nothing is wrong with it");
    caches.install().expect("nobody has called before");
    caches
});

/// Before the first call.
fn install() {
    LazyLock::force(&CACHES);
}

//! One program for each number of annotated functions: `cargo run --release -p functions --bin f1000`.
//!
//! Each prints what the first call of all costs (it makes the state of the program), what the first call of a function
//! costs on the mean, and a hit, asked for in turn from every function.

use std::future::Future;
use std::time::Instant;

/// As many functions as there are leaves, in modules of ten, and `all`, which calls each of them once.
#[macro_export]
macro_rules! functions {
    ($name:ident: one) => {
        pub mod $name {
            #[cached_runtime::cache(ttl = "1h", backend = "local")]
            pub async fn get(id: u64) -> u64 {
                id
            }

            pub async fn all(id: u64) -> u64 {
                get(id).await
            }
        }
    };
    ($name:ident: ten $($of:tt)+) => {
        pub mod $name {
            $crate::functions!(a: $($of)+);
            $crate::functions!(b: $($of)+);
            $crate::functions!(c: $($of)+);
            $crate::functions!(d: $($of)+);
            $crate::functions!(e: $($of)+);
            $crate::functions!(f: $($of)+);
            $crate::functions!(g: $($of)+);
            $crate::functions!(h: $($of)+);
            $crate::functions!(i: $($of)+);
            $crate::functions!(j: $($of)+);

            pub async fn all(id: u64) -> u64 {
                a::all(id).await + b::all(id).await + c::all(id).await + d::all(id).await + e::all(id).await
                    + f::all(id).await + g::all(id).await + h::all(id).await + i::all(id).await + j::all(id).await
            }
        }
    };
}

/// Measures a program whose `all` calls `count` functions, and prints one line.
///
/// # Panics
///
/// If there is no runtime to be had.
pub fn measure<A: Future<Output = u64>>(count: u64, all: impl Fn(u64) -> A) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut first = 0.0;
    let counted = allocation_counter::measure(|| {
        let begun = Instant::now();
        runtime.block_on(all(1));
        first = begun.elapsed().as_nanos() as f64;
    });
    let rounds = 2_000_000 / count;
    let mut best = f64::MAX;
    for _ in 0..9 {
        let begun = Instant::now();
        runtime.block_on(async {
            for _ in 0..rounds / 9 {
                std::hint::black_box(all(1).await);
            }
        });
        best = best.min(begun.elapsed().as_nanos() as f64 / (rounds / 9 * count) as f64);
    }
    println!(
        "{count:>5} functions: first calls {:.1} us in all, {:.2} us and {:.0} bytes a function; hits {best:.1} ns",
        first / 1e3,
        first / 1e3 / count as f64,
        counted.bytes_current as f64 / count as f64,
    );
}

//! What is one number, and what only looks like it: every call finds what its companions find.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{KeyPart, cache};

use crate::install;

/// Runs of all bodies of a test.
#[derive(Default)]
struct Runs(AtomicU64);

impl Runs {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, SeqCst) + 1
    }
}

/// Calls twice, looks through the companion, invalidates and calls again.
macro_rules! is_one_entry {
    ($function:ident, $entry:ident, $($key:expr),+) => {{
        $(
            let first = $function($key).await;
            assert_eq!($function($key).await, first, "{}", stringify!($key));
            assert_eq!($entry($key).get().await.unwrap(), Some(first), "{}", stringify!($key));
            assert!($entry($key).invalidate().await.is_ok());
            let second = $function($key).await;
            assert_ne!(second, first, "{}", stringify!($key));
            $entry($key).insert(first).await.unwrap();
            assert_eq!($function($key).await, first, "{}", stringify!($key));
        )+
    }};
}

macro_rules! functions {
    ($($function:ident, $entry:ident: $type:ty;)+) => {
        static RUNS: Runs = Runs(AtomicU64::new(0));
        $(
            #[cache(backend = "local", ttl = "1h")]
            async fn $function(id: $type) -> u64 {
                let _ = id;
                RUNS.next()
            }
        )+
    };
}

#[derive(KeyPart)]
struct UserId(u64);

#[derive(KeyPart)]
struct Signed(i64);

functions! {
    unsigned, unsigned_entry: u64;
    signed, signed_entry: i64;
    small, small_entry: i8;
    large, large_entry: u128;
    large_signed, large_signed_entry: i128;
    size, size_entry: usize;
    non_zero, non_zero_entry: NonZeroU32;
    maybe, maybe_entry: Option<u64>;
    pair, pair_entry: (u64,);
    letter, letter_entry: char;
    shared, shared_entry: &Arc<u64>;
    user, user_entry: &UserId;
    wrapped, wrapped_entry: &Signed;
    text, text_entry: &str;
}

#[tokio::test]
async fn a_number_is_one_entry_however_it_is_written() {
    install();
    is_one_entry!(unsigned, unsigned_entry, 0, 1, 9, 10, 255, 1 << 32, u64::MAX);
    is_one_entry!(signed, signed_entry, 0, 7, -7, i64::MAX, i64::MIN);
    is_one_entry!(small, small_entry, 0, -1, i8::MIN, i8::MAX);
    is_one_entry!(large, large_entry, 0, u128::from(u64::MAX), u128::MAX);
    is_one_entry!(
        large_signed,
        large_signed_entry,
        0,
        -1,
        i128::from(u64::MAX),
        i128::MIN
    );
    is_one_entry!(size, size_entry, 0, usize::MAX);
    is_one_entry!(non_zero, non_zero_entry, NonZeroU32::MIN, NonZeroU32::MAX);
    is_one_entry!(maybe, maybe_entry, None, Some(0), Some(7));
    is_one_entry!(pair, pair_entry, (0,), (7,));
    is_one_entry!(letter, letter_entry, '7', 'x');
    is_one_entry!(shared, shared_entry, &Arc::new(7));
    is_one_entry!(user, user_entry, &UserId(0), &UserId(u64::MAX));
    is_one_entry!(wrapped, wrapped_entry, &Signed(7), &Signed(-7));
    let long = "a".repeat(1000);
    is_one_entry!(
        text,
        text_entry,
        "",
        "7",
        "07",
        "a",
        "ab",
        "abcde",
        &long[..22],
        &long[..23],
        &long[..40],
        &long
    );
}

//! Companions are as visible as their function.

#![deny(warnings)]

mod inner {
    use cached_runtime::cache;

    #[cache]
    pub(super) async fn seen(id: u64) -> u64 {
        id
    }

    pub mod deeper {
        #[cached_runtime::cache]
        pub(in crate::inner) async fn half_seen(id: u64) -> u64 {
            id
        }
    }

    pub(crate) fn companions() {
        let _ = deeper::half_seen_cache as fn() -> _;
    }
}

fn main() {
    let _ = inner::seen;
    let _ = inner::seen_uncached;
    let _ = inner::seen_cache as fn() -> _;
    let _ = inner::companions;
}

//! `in_impl`: for an associated function that neither has a receiver nor mentions `Self`.

use std::marker::PhantomData;

use cached_runtime::cache;

use crate::world::{Runs, world};

trait Named {
    const NAME: &'static str;
}

struct Red;
struct Blue;

impl Named for Red {
    const NAME: &'static str = "red";
}

impl Named for Blue {
    const NAME: &'static str = "blue";
}

struct Paint<T>(PhantomData<T>);

impl<T: Named> Paint<T> {
    #[cache(in_impl = true, skip(runs), backend = "local")]
    async fn mix(runs: &Runs, id: u64) -> String {
        runs.next();
        format!("{} {id}", T::NAME)
    }

    #[cache(skip(runs), backend = "local")]
    async fn found_out(runs: &Runs, id: u64) -> String {
        runs.next();
        format!("{} {id}", Self::name())
    }

    fn name() -> &'static str {
        T::NAME
    }
}

#[tokio::test]
async fn instantiations_are_told_apart() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..2 {
            assert_eq!(Paint::<Red>::mix(&runs, 1).await, "red 1");
            assert_eq!(Paint::<Blue>::mix(&runs, 1).await, "blue 1");
            assert_eq!(Paint::<Red>::found_out(&runs, 1).await, "red 1");
            assert_eq!(Paint::<Blue>::found_out(&runs, 1).await, "blue 1");
        }
        assert_eq!(runs.count(), 4);
        Paint::<Red>::mix_entry(1).invalidate().await.unwrap();
        assert_eq!(
            Paint::<Blue>::mix_entry(1).get().await.unwrap().as_deref(),
            Some("blue 1")
        );
        assert_eq!(Paint::<Red>::mix_entry(1).get().await.unwrap(), None);
    })
    .await;
}

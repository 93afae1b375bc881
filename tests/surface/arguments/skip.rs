//! `skip`: what is skipped neither tells calls apart nor has to be anything.

use cached_runtime::cache;

use crate::world::{Runs, world};

/// Nothing that could be in a key, nor copied, nor compared.
struct Anything(f64);

#[cache(skip(runs, anything, callback), backend = "local")]
async fn skipping(runs: &Runs, anything: Anything, callback: &mut (dyn FnMut(f64) + Send), id: u64) -> u64 {
    callback(anything.0);
    let _ = id;
    runs.next()
}

#[tokio::test]
async fn skipped_arguments_do_not_count() {
    world(async |_| {
        let runs = Runs::default();
        let mut seen = Vec::new();
        let mut callback = |value| seen.push(value);
        assert_eq!(skipping(&runs, Anything(1.0), &mut callback, 1).await, 1);
        assert_eq!(
            skipping(&Runs::default(), Anything(2.0), &mut callback, 1).await,
            1
        );
        assert_eq!(skipping(&runs, Anything(3.0), &mut callback, 2).await, 2);
        assert_eq!(seen, [1.0, 3.0]);
        // The companions do not ask for what is skipped.
        assert_eq!(skipping_entry(2).get().await.unwrap(), Some(2));
    })
    .await;
}

struct Service {
    runs: Runs,
}

impl Service {
    #[cache(skip(self), backend = "local")]
    async fn of_any_receiver(&self, id: u64) -> u64 {
        let _ = id;
        self.runs.next()
    }

    #[cache(skip(self,), backend = "local")]
    async fn only(&self) -> u64 {
        self.runs.next()
    }
}

#[tokio::test]
async fn a_skipped_receiver_does_not_count() {
    world(async |_| {
        let [a, b] = [(); 2].map(|()| Service {
            runs: Runs::default(),
        });
        assert_eq!(a.of_any_receiver(1).await, 1);
        assert_eq!(b.of_any_receiver(1).await, 1);
        assert_eq!(b.runs.count(), 0);
        // Nothing of it is needed to name the entry.
        assert_eq!(Service::of_any_receiver_entry(1).get().await.unwrap(), Some(1));
        assert_eq!(a.only().await, 2);
        assert_eq!(b.only().await, 2);
    })
    .await;
}

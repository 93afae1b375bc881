//! A look that falls into the middle of a removal: what it finds there is for nobody who comes after it.

use std::cell::RefCell;
use std::time::Duration;

use super::revoke_if;
use crate::Caches;
use crate::flight::{Answer, Joined};
use crate::tier::memory::Probe;

/// In `moka`, for there the removal looks for what to remove without a lock: this is how anything can be done meanwhile.
#[tokio::test]
async fn nobody_joins_a_flight_that_was_answered_with_what_was_being_removed() {
    let caches = Caches::builder().build().unwrap();
    let cache = caches
        .cache::<u64>("users")
        .backend(["moka"])
        .ttl(Duration::from_secs(60))
        .build()
        .unwrap();
    let entry = cache.entry(1);
    entry.insert(5).await.unwrap();

    let (function, hash, bytes) = entry.place();
    let (probe, memory) = (Probe { hash, bytes }, function.memory.as_ref().unwrap());
    let leading = RefCell::new(None);
    let removed = revoke_if(function, |_| {
        // Not where the flight itself is looked at, under a lock of its own.
        if leading.borrow().is_none() {
            let Joined::Leader(mut lead) = function.flights.join(probe) else {
                panic!("nobody else is there");
            };
            let old = memory.read_again(&probe).expect("it is not removed yet");
            lead.answer(Answer::Content(old));
            leading.replace(Some(lead));
        }
        true
    });
    assert_eq!(removed, 1);
    assert!(leading.borrow().is_some());
    assert!(memory.read_again(&probe).is_none());
    assert!(matches!(function.flights.join(probe), Joined::Leader(_)));
}

//! What is kept by reading it: each read counts, keeps it, and is told of.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use super::{ENGINES, KEY, nothing};
use crate::clock::ManualClock;
use crate::tier::memory::{Bound, Memory};
use crate::tier::stamps::{Stamps, Stripes};

/// Whoever is told may look into memory itself, so no lock is held then.
#[test]
fn what_is_kept_by_reading_it_is_told_of_where_no_lock_is_held() {
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        for engine in ENGINES {
            let stamps = Arc::new(Stamps::new(Arc::new(Stripes::new())));
            let ticks = ManualClock::new();
            let told = Arc::new(AtomicUsize::new(0));
            let memory = Arc::new_cyclic(|memory: &Weak<Memory>| {
                let (memory, told) = (memory.clone(), Arc::clone(&told));
                Memory::new(
                    engine,
                    Bound::Entries(100),
                    None,
                    ticks.clock(),
                    Arc::clone(&stamps),
                )
                .telling(Box::new(move |probe, _| {
                    told.fetch_add(1, SeqCst);
                    let memory = memory.upgrade().unwrap();
                    assert!(memory.read(&probe).is_some() && memory.len() == 1);
                }))
            });
            let mut fill = nothing();
            fill.plan.idle = Some(Duration::from_secs(8));
            assert!(memory.fill(KEY, fill, stamps.now(KEY.hash)));
            for _ in 0..10 {
                ticks.advance(Duration::from_secs(7));
                assert!(memory.read(&KEY).is_some());
            }
            // Each of them has looked once more.
            assert_eq!((told.load(SeqCst), memory.hits()), (10, 20), "{engine}");
            ticks.advance(Duration::from_secs(9));
            assert!(memory.read(&KEY).is_none());
            assert_eq!((told.load(SeqCst), memory.hits()), (10, 20), "{engine}");
        }
        let _ = ended.send(());
    });
    assert_eq!(end.recv_timeout(Duration::from_secs(30)), Ok(()));
}

//! Records that age: which reads count, keep them, ask for a reload, and are told of.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use super::{ENGINES, KEY, nothing};
use crate::clock::ManualClock;
use crate::tier::memory::{Bound, Memory};
use crate::tier::stamps::{Stamps, Stripes};

/// Each read counts and keeps it. Whoever is told may look into memory itself, so no lock is held then.
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

#[test]
fn a_hit_is_what_is_served() {
    const SECOND: Duration = Duration::from_secs(1);
    for engine in ENGINES {
        let stamps = Arc::new(Stamps::new(Arc::new(Stripes::new())));
        let ticks = ManualClock::new();
        let memory = Memory::new(
            engine,
            Bound::Entries(100),
            None,
            ticks.clock(),
            Arc::clone(&stamps),
        );
        let mut fill = nothing();
        (fill.plan.ttl, fill.plan.stale) = (Some(10 * SECOND), 10 * SECOND);
        fill.plan.refresh = Some(5 * SECOND);
        fill.began = 1;
        assert!(memory.fill(KEY, fill, stamps.now(KEY.hash)));
        assert!(
            !memory.fill(KEY, nothing(), stamps.now(KEY.hash)),
            "an older load"
        );
        let reloads = || memory.read_aging(&KEY).map(|(_, reload)| reload);

        assert!(memory.read(&KEY).is_some() && memory.read_again(&KEY).is_some());
        assert_eq!((reloads(), memory.hits()), (Some(false), 3), "{engine}");
        assert_eq!(memory.remaining(KEY), Some(10 * SECOND));
        assert!(memory.settled(KEY).is_some());

        ticks.advance(6 * SECOND);
        assert!(memory.settled(KEY).is_none());
        assert_eq!((reloads(), memory.hits()), (Some(true), 4), "{engine}");
        memory.pause(KEY, 2 * SECOND, |began| began != 1);
        assert!(memory.settled(KEY).is_none(), "of another load");
        memory.pause(KEY, 2 * SECOND, |began| began == 1);
        assert!(memory.settled(KEY).is_some());
        assert_eq!((reloads(), memory.hits()), (Some(false), 5), "{engine}");

        // Out of date, and served.
        ticks.advance(6 * SECOND);
        assert!(memory.read(&KEY).is_some());
        assert_eq!((reloads(), memory.hits()), (Some(true), 7), "{engine}");
        assert_eq!(memory.remaining(KEY), Some(Duration::ZERO));

        ticks.advance(8 * SECOND);
        assert!(memory.read(&KEY).is_none() && memory.read_again(&KEY).is_none());
        assert!(memory.settled(KEY).is_none() && memory.remaining(KEY).is_none());
        assert_eq!((reloads(), memory.hits(), memory.len()), (None, 7, 1), "{engine}");
        assert!(memory.remove(KEY) && !memory.remove(KEY));
        assert_eq!(memory.len(), 0);
    }
}

//! The shards together: what is dropped when no lock is held, bounds of any size, and what is left behind.

use std::collections::HashMap;
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use super::*;
use crate::entry::Rest;

fn probe(bytes: &[u8]) -> Probe<'_> {
    let hash = bytes.iter().fold(1_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    Probe {
        hash: hash ^ hash >> 29,
        bytes,
    }
}

fn held(content: Content, weight: u64) -> Held {
    Held {
        content,
        due: Tick::NEVER,
        rest: Rest {
            began: 0,
            weight,
            aging: None,
        },
    }
}

fn fill(local: &Local, key: u64, weight: u64) {
    let key = key.to_le_bytes();
    assert!(local.insert(probe(&key), held(Content::Absent, weight), |_| true));
}

fn read(local: &Local, key: u64) -> Option<Content> {
    let read = local.read(probe(&key.to_le_bytes()), Tick::ALWAYS, Content::clone)?;
    Some(read.0)
}

/// A value that asks its own cache for everything when it goes.
struct Meddler(Weak<Local>, mpsc::Sender<()>);

impl Drop for Meddler {
    fn drop(&mut self) {
        if let Some(local) = self.0.upgrade() {
            (0..8).for_each(|key| drop(read(&local, key)));
            local.peek(&probe(&0_u64.to_le_bytes()), |_| Some(()));
            let _ = local.len() + local.hits() + local.evictions();
            fill(&local, 1_000, 1);
            local.remove(probe(&1_000_u64.to_le_bytes()));
            local.remove_if(|key| key == b"none");
            // Its own kind goes with it, and each of them does all this again.
            local.clear();
        }
        let _ = self.1.send(());
    }
}

/// Every way in which an entry goes, and a fill that is refused: in a thread of its own, which never ends if a lock is held.
#[test]
fn whatever_goes_is_dropped_where_no_lock_is_held() {
    type Way = fn(&Local, &dyn Fn() -> Held);
    let ways: [(&str, Way); 9] = [
        ("evicted", |local, _| (0..500).for_each(|key| fill(local, key, 1))),
        ("evicted by one that is heavy", |local, _| fill(local, 9, 97)),
        ("replaced", |local, _| fill(local, 1, 1)),
        ("replaced by one that is too heavy", |local, _| {
            fill(local, 1, 1_000);
        }),
        ("too heavy itself", |local, new| {
            let mut heavy = new();
            heavy.rest.weight = u64::MAX;
            assert!(local.insert(probe(b"heavy"), heavy, |_| true));
        }),
        ("refused", |local, new| {
            assert!(!local.insert(probe(b"late"), new(), |_| false));
        }),
        ("removed", |local, _| {
            assert!(local.remove(probe(&1_u64.to_le_bytes())));
        }),
        ("removed by a pattern", |local, _| {
            assert!(local.remove_if(|_| true) > 0);
        }),
        ("cleared", |local, _| local.clear()),
    ];
    for (name, way) in ways {
        let (gone, told) = mpsc::channel();
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            let local = Arc::new(Local::new(Bound::Entries(100)));
            let meddler = || Meddler(Arc::downgrade(&local), gone.clone());
            let new = || held(Content::Value(Arc::new(meddler())), 1);
            for key in 0..4_u64 {
                assert!(local.insert(probe(&key.to_le_bytes()), new(), |_| true));
            }
            way(&local, &new);
            let _ = ended.send(told.try_recv().is_ok());
        });
        // Whether it has gone at all.
        assert_eq!(end.recv_timeout(Duration::from_secs(30)), Ok(true), "{name}");
    }
}

/// The last one who has a value drops it: a reader whose entry has gone meanwhile.
#[test]
fn a_reader_drops_the_last_of_a_value_where_no_lock_is_held() {
    let local = Arc::new(Local::new(Bound::Entries(100)));
    let (gone, told) = mpsc::channel();
    let value = Meddler(Arc::downgrade(&local), gone);
    let key = 1_u64.to_le_bytes();
    local.insert(probe(&key), held(Content::Value(Arc::new(value)), 1), |_| true);
    let content = read(&local, 1);
    local.clear();
    assert!(content.is_some() && told.try_recv().is_err());
    drop(content);
    assert!(told.try_recv().is_ok());
}

#[test]
fn no_bound_is_exceeded_whatever_it_is() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for bound in [0, 1, 2, 3, 99, 100, 127, 128, 129, 255, 256, 257, 16_383, 16_385] {
        let local = Local::new(Bound::Entries(bound));
        for _ in 0..2_000 + 2 * bound {
            let key = random.u64(..3 * bound.max(4));
            if read(&local, key).is_none() {
                fill(&local, key, 1);
            }
        }
        assert!(
            (1..=bound.max(1)).contains(&local.len()),
            "{} of {bound}",
            local.len()
        );
    }
}

#[test]
fn weights_of_any_size_are_within_bounds_of_any_size() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let sizes = [
        0,
        1,
        2,
        100,
        LEAST_BYTES - 1,
        LEAST_BYTES,
        3 * LEAST_BYTES,
        1 << 40,
        u64::MAX / 2,
        u64::MAX,
    ];
    for bytes in sizes {
        let local = Local::new(Bound::Bytes { bytes, least: 1 });
        let shard = local.room.most;
        let mut weights = HashMap::new();
        for _ in 0..3_000 {
            let key = random.u64(..300);
            let weight = match random.u32(..6) {
                0 => 1,
                1 => u64::MAX,
                2 => shard,
                3 => (shard / 100 * 97).max(1),
                _ => random.u64(..=shard).max(1),
            };
            if random.u32(..3) == 0 {
                read(&local, key);
            }
            fill(&local, key, weight);
            weights.insert(key, weight);
        }
        let there = (0..300).filter(|key| read(&local, *key).is_some());
        let sum: u128 = there.map(|key| u128::from(weights[&key])).sum();
        assert!(sum <= u128::from(bytes.max(1)), "{sum} of {bytes}");
    }
}

/// Nothing is allocated for what is not there, and nothing kept for what has gone.
#[test]
fn places_are_made_as_they_are_needed() {
    let boundless = [
        Bound::Entries(u64::MAX),
        Bound::Bytes {
            bytes: u64::MAX,
            least: 1,
        },
    ];
    for bound in boundless {
        let local = Local::new(bound);
        assert_eq!(local.sum(Entries::places), 0);
        (0..1_000).for_each(|key| fill(&local, key, 1));
        assert_eq!(local.len(), 1_000);
        assert!(local.sum(Entries::places) < 2_500);
        local.clear();
        assert_eq!((local.len(), local.sum(Entries::places)), (0, 0));
    }
    // Nor for more than there is room for, but for one that is there a moment before another goes.
    let local = Local::new(Bound::Entries(10_000));
    (0..50_000).for_each(|key| fill(&local, key, 1));
    assert!(local.sum(Entries::places) <= 10_000 + MOST_SHARDS);
}

#[test]
fn clearing_keeps_the_counts() {
    let local = Local::new(Bound::Entries(100));
    (0..150).for_each(|key| fill(&local, key, 1));
    (0..150).for_each(|key| drop(read(&local, key)));
    let counts = (local.hits(), local.evictions());
    assert_eq!(counts, (100, 50));
    local.clear();
    assert_eq!((local.hits(), local.evictions(), local.len()), (100, 50, 0));
}

/// A clear between two pieces of a removal leaves places that the second one looks for.
#[test]
fn a_removal_in_pieces_that_meets_a_clear_ends() {
    let local = Local::new(Bound::Entries(127));
    (0..127).for_each(|key| fill(&local, key, 1));
    let mut entries = local.shards[0].0.lock();
    let (removed, next) = entries.remove_some(0, 50, &mut |_| true);
    assert_eq!((removed.len(), next), (50, Some(50)));
    drop(entries);
    local.clear();
    let mut entries = local.shards[0].0.lock();
    let (removed, next) = entries.remove_some(50, 50, &mut |_| true);
    assert_eq!((removed.len(), next), (0, None));
}

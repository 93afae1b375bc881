use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::AtomicTick;
use crate::entry::Aging;
use crate::key::Number;

fn held(value: u64, weight: u64) -> Held {
    Held {
        content: Content::Value(Arc::new(value)),
        due: Tick::NEVER,
        rest: Rest {
            began: value,
            weight,
            aging: None,
        },
    }
}

fn entries(most: u64) -> Entries {
    Entries::new(Room {
        most,
        ghosts: usize::try_from(most).unwrap() / 2,
    })
}

/// Whatever is there.
fn put(entries: &mut Entries, probe: &Probe<'_>, new: Held, gone: &mut Gone) {
    assert!(entries.insert(probe, new, |_| true, gone));
}

fn value(content: &Content) -> u64 {
    match content {
        Content::Value(shared) => *shared.downcast_ref().unwrap(),
        Content::Absent => panic!("a value was put there"),
    }
}

/// A shard under keys that are numbers; equal hashes are made by `hash`.
struct Shard {
    entries: Entries,
    hash: fn(u64) -> u64,
}

impl Shard {
    fn of(most: u64) -> Self {
        Self {
            entries: entries(most),
            hash: |key| key.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        }
    }

    fn put(&mut self, key: u64, new: Held) -> Gone {
        let mut gone = Gone::default();
        let (hash, bytes) = ((self.hash)(key), &key.to_le_bytes()[..]);
        put(&mut self.entries, &Probe { hash, bytes }, new, &mut gone);
        self.entries.check();
        gone
    }

    fn fill(&mut self, key: u64) -> Gone {
        self.put(key, held(key, 1))
    }

    fn read(&mut self, key: u64) -> Option<u64> {
        let (hash, bytes) = ((self.hash)(key), &key.to_le_bytes()[..]);
        let probe = Probe { hash, bytes };
        Some(self.entries.read(probe, Tick::ALWAYS, value)?.0)
    }

    fn has(&self, key: u64) -> bool {
        let (hash, bytes) = ((self.hash)(key), &key.to_le_bytes()[..]);
        self.entries.peek(&Probe { hash, bytes }).is_some()
    }

    fn remove(&mut self, key: u64) -> Option<u64> {
        let (hash, bytes) = ((self.hash)(key), &key.to_le_bytes()[..]);
        let removed = self.entries.remove(&Probe { hash, bytes });
        self.entries.check();
        removed.as_ref().map(value)
    }
}

impl Entries {
    /// How many entries there is memory for.
    pub(in super::super) fn places(&self) -> u64 {
        assert_eq!(self.slots.len(), self.nodes.len());
        self.slots.len() as u64
    }

    /// What always holds between two calls.
    fn check(&self) {
        let mut seen = vec![false; self.slots.len()];
        let mut count = 0;
        for (ring, of) in [(&self.cold, Of::Cold), (&self.hot, Of::Hot)] {
            let mut walk = Ring::new();
            let mut weight = 0;
            let first = ring.under_hand();
            let mut next = first;
            while let Some(place) = next {
                let node = &self.nodes[place as usize];
                assert!(node.ring == of && !std::mem::replace(&mut seen[place as usize], true));
                weight += node.rest.weight;
                count += 1;
                walk.put_hand(place);
                walk.turn(&self.nodes);
                next = walk.under_hand().filter(|next| Some(*next) != first);
            }
            assert_eq!(ring.weight, weight, "{of:?}");
        }
        assert_eq!(self.places.len() as usize, count);
        assert_eq!(self.free.count(&self.nodes) + count, self.slots.len());
        assert!(self.cold.weight + self.hot.weight <= self.most);
        for place in self.places.places() {
            let hash = self.names[place as usize].hash;
            assert!(seen[place as usize] && self.places.find(hash, |other| other == place) == Some(place));
        }
    }
}

#[test]
fn what_is_put_is_read_until_it_is_removed() {
    let mut shard = Shard::of(100);
    (0..50).for_each(|key| drop(shard.fill(key)));
    assert!((0..50).all(|key| shard.read(key) == Some(key)));
    assert_eq!(shard.remove(7), Some(7));
    assert_eq!((shard.remove(7), shard.read(7)), (None, None));
    shard.put(8, held(80, 1));
    assert_eq!((shard.read(8), shard.entries.len()), (Some(80), 49));
}

#[test]
fn keys_of_one_hash_are_told_apart() {
    let mut shard = Shard {
        hash: |_| 42,
        ..Shard::of(100)
    };
    (0..20).for_each(|key| drop(shard.fill(key)));
    assert!((0..20).all(|key| shard.read(key) == Some(key)));
    assert_eq!(shard.remove(3), Some(3));
    assert!((0..20).all(|key| shard.read(key) == (key != 3).then_some(key)));
}

/// Numbers and others of one hash: at a glance none is taken for another, and a look that takes its time finds each.
#[test]
fn numbers_and_names_of_one_hash_are_told_apart() {
    const HASH: u64 = 0x2A00_0000_002A;
    let mut entries = entries(100);
    let number = |value| Number { hash: HASH, value };
    let names: Vec<String> = (0..20).map(|key| format!("{key:030}")).collect();
    let named = |key: &'static str| Probe {
        hash: HASH,
        bytes: key.as_bytes(),
    };
    let names: Vec<&'static str> = names.into_iter().map(|name| &*name.leak()).collect();
    let no_other = |glance, wanted| match glance {
        Glance::Hit(found) => assert_eq!(found, wanted),
        Glance::Miss => panic!("there are some of this hash"),
        Glance::Unsure => {}
    };
    number(0).probed(|probe| put(&mut entries, &probe, held(0, 1), &mut Gone::default()));
    let alone = entries.glance(number(0), Tick::ALWAYS, value);
    assert!(matches!(alone, Glance::Hit(0)));
    for (key, name) in (0..).zip(&names) {
        number(key).probed(|probe| put(&mut entries, &probe, held(key, 1), &mut Gone::default()));
        put(
            &mut entries,
            &named(name),
            held(100 + key, 1),
            &mut Gone::default(),
        );
        entries.check();
    }
    for (key, name) in (0..).zip(&names) {
        no_other(entries.glance(number(key), Tick::ALWAYS, value), key);
        no_other(
            number(key).probed(|probe| entries.glance(probe, Tick::ALWAYS, value)),
            key,
        );
        no_other(entries.glance(named(name), Tick::ALWAYS, value), 100 + key);
        assert_eq!(entries.read(number(key), Tick::ALWAYS, value).unwrap().0, key);
        assert_eq!(
            entries.read(named(name), Tick::ALWAYS, value).unwrap().0,
            100 + key
        );
    }
    assert!(entries.read(number(20), Tick::ALWAYS, value).is_none());
    assert!(entries.read(named("another"), Tick::ALWAYS, value).is_none());
}

/// Whatever the words that are empty or of others have in common with theirs: slower, and not away.
#[test]
fn what_is_there_is_not_missed_at_a_glance() {
    let shards = [
        [u64::MAX, 1, 2].to_vec(),
        (0..17).map(|key| key << 20).collect(),
        vec![u64::MAX << 32; 17],
    ];
    for hashes in shards {
        let mut entries = entries(18);
        let number = |value: u64| Number {
            hash: hashes[usize::try_from(value).unwrap()],
            value,
        };
        let keys = 0..hashes.len() as u64;
        for key in keys.clone() {
            number(key).probed(|probe| put(&mut entries, &probe, held(key, 1), &mut Gone::default()));
        }
        for key in keys {
            match entries.glance(number(key), Tick::ALWAYS, value) {
                Glance::Hit(found) => assert_eq!(found, key),
                Glance::Miss => panic!("{key} of {hashes:?} is there"),
                Glance::Unsure => {}
            }
            assert_eq!(entries.read(number(key), Tick::ALWAYS, value).unwrap().0, key);
        }
    }
}

#[test]
fn a_hit_that_asks_for_more_is_not_one_at_a_glance() {
    let mut entries = entries(10);
    let number = Number {
        hash: 1 << 40,
        value: 7,
    };
    let now = Tick::at(1 << 40);
    let due = now.after(Duration::from_secs(1));
    let new = Held { due, ..held(7, 1) };
    number.probed(|probe| put(&mut entries, &probe, new, &mut Gone::default()));
    let mut glance = |now| match entries.glance(number, now, value) {
        Glance::Hit(found) => Some(found),
        Glance::Miss => panic!("it is there"),
        Glance::Unsure => None,
    };
    assert_eq!((glance(now), glance(due)), (Some(7), None));
    for _ in 2..SAMPLE {
        assert_eq!(glance(now), Some(7));
    }
    assert_eq!(glance(now), None);
    let (found, wants) = entries.read(number, now, value).unwrap();
    assert!(found == 7 && wants == Wants::SAMPLE);
    assert!(entries.read(number, due, value).is_none());
}

/// A hash is no number, whatever it is.
#[test]
fn a_number_and_a_key_whose_hash_it_is_are_not_taken_for_each_other() {
    const BOTH: u64 = 42;
    let number = Number {
        hash: BOTH,
        value: BOTH,
    };
    let name = Probe {
        hash: BOTH,
        bytes: b"name",
    };
    for first_is_number in [true, false] {
        let mut entries = entries(100);
        let mut gone = Gone::default();
        if first_is_number {
            number.probed(|probe| put(&mut entries, &probe, held(1, 1), &mut gone));
            assert!(entries.peek(&name).is_none());
            assert!(!matches!(
                entries.glance(name, Tick::ALWAYS, value),
                Glance::Hit(_)
            ));
            put(&mut entries, &name, held(2, 1), &mut gone);
        } else {
            put(&mut entries, &name, held(2, 1), &mut gone);
            assert!(number.probed(|probe| entries.peek(&probe).is_none()));
            assert!(!matches!(
                entries.glance(number, Tick::ALWAYS, value),
                Glance::Hit(_)
            ));
            number.probed(|probe| put(&mut entries, &probe, held(1, 1), &mut gone));
        }
        entries.check();
        assert_eq!(entries.read(number, Tick::ALWAYS, value).unwrap().0, 1);
        assert_eq!(entries.read(name, Tick::ALWAYS, value).unwrap().0, 2);
        let removed = number.probed(|probe| entries.remove(&probe));
        assert_eq!(removed.as_ref().map(value), Some(1));
        assert_eq!(entries.read(name, Tick::ALWAYS, value).unwrap().0, 2);
        assert!(entries.read(number, Tick::ALWAYS, value).is_none());
    }
}

#[test]
fn a_record_that_is_due_is_read_unless_it_is_gone_and_says_what_it_wants() {
    let mut shard = Shard::of(10);
    let probe = Probe {
        hash: (shard.hash)(1),
        bytes: &1_u64.to_le_bytes(),
    };
    let mut read = |gone| {
        let mut new = held(1, 1);
        new.due = Tick::ALWAYS;
        new.rest.aging = Some(Box::new(Aging {
            stale: Tick::NEVER,
            gone,
            reload: Tick::ALWAYS,
            pause: AtomicTick::new(Tick::ALWAYS),
            idle: None,
        }));
        shard.put(1, new);
        let read = shard.entries.read(probe, Tick::ALWAYS, value);
        let wants = read.map(|(value, wants)| (value, wants.has(Wants::RELOAD)));
        (wants, shard.entries.hits)
    };
    assert_eq!(read(Tick::ALWAYS), (None, 0));
    assert_eq!(read(Tick::NEVER), (Some((1, true)), 1));
}

#[test]
fn what_is_read_stays_while_a_scan_passes() {
    let mut shard = Shard::of(100);
    (0..90).for_each(|key| drop(shard.fill(key)));
    (0..90).for_each(|key| assert!(shard.read(key).is_some()));
    (1_000..2_000).for_each(|key| drop(shard.fill(key)));
    let left = (0..90).filter(|key| shard.has(*key)).count();
    assert_eq!(left, 90);
    assert_eq!(shard.entries.len(), 100);
    assert_eq!(shard.entries.evictions, 990);
}

#[test]
fn a_key_that_was_evicted_and_comes_back_stays() {
    let mut shard = Shard::of(100);
    (0..200).for_each(|key| drop(shard.fill(key)));
    let evicted = (97..200).rev().find(|key| !shard.has(*key)).unwrap();
    shard.fill(evicted);
    // More than the cold ring has room for.
    (1_000..1_010).for_each(|key| drop(shard.fill(key)));
    assert!(shard.has(evicted));
}

#[test]
fn a_removal_is_no_reason_to_keep_a_key_longer() {
    let mut shard = Shard::of(100);
    (0..200).for_each(|key| drop(shard.fill(key)));
    let evicted = (97..200).rev().find(|key| !shard.has(*key)).unwrap();
    assert_eq!(shard.remove(evicted), None);
    shard.fill(evicted);
    (1_000..1_010).for_each(|key| drop(shard.fill(key)));
    assert!(!shard.has(evicted));
}

#[test]
fn what_would_never_fit_is_not_kept_and_neither_is_what_it_replaces() {
    let mut shard = Shard::of(100);
    shard.put(1, held(1, 10));
    shard.put(2, held(2, 10));
    let gone = shard.put(1, held(3, 98));
    assert_eq!(
        gone.first
            .iter()
            .chain(&gone.others)
            .map(value)
            .collect::<Vec<_>>(),
        [1, 3]
    );
    assert_eq!((shard.read(1), shard.read(2)), (None, Some(2)));
    shard.put(2, held(4, 97));
    assert_eq!(shard.read(2), Some(4));
}

#[test]
fn a_replacement_that_is_heavier_makes_room() {
    let mut shard = Shard::of(100);
    (0..10).for_each(|key| drop(shard.put(key, held(key, 10))));
    let gone = shard.put(9, held(9, 50));
    assert!(shard.has(9));
    // It has been wanted twice and moves to the hot ring, which has room for 97: five of the others go.
    assert_eq!(
        1 + gone.others.len(),
        6,
        "what was replaced, and what was evicted"
    );
    assert_eq!(shard.entries.evictions, 5);
}

#[test]
fn keys_are_removed_some_places_at_a_time() {
    let mut shard = Shard::of(1_000);
    (0..300).for_each(|key| drop(shard.fill(key)));
    let mut odd = |key: &[u8]| key[0] % 2 == 1;
    let (mut from, mut removed) = (Some(0), 0);
    while let Some(place) = from {
        let (gone, next) = shard.entries.remove_some(place, 7, &mut odd);
        assert!(gone.len() <= 7);
        removed += gone.len();
        from = next;
        shard.entries.check();
    }
    assert_eq!(removed, 150);
    assert!((0..300).all(|key| shard.has(key) == (key % 2 == 0)));
}

/// Against a map that forgets nothing: what is there is what was put last.
#[test]
fn nothing_wrong_is_ever_read() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for most in [1, 2, 3, 7, 64, 1_000] {
        let mut shard = Shard {
            // Eight keys to a hash.
            hash: |key| (key / 8).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            ..Shard::of(most)
        };
        let mut model = HashMap::new();
        for round in 0..5_000 {
            let key = random.u64(..2 * most + 8);
            match random.u32(..10) {
                0 => {
                    shard.remove(key);
                    model.remove(&key);
                }
                1..=4 => {
                    shard.put(key, held(round, random.u64(1..=1 + most / 3)));
                    model.insert(key, round);
                }
                _ => {
                    let read = shard.read(key);
                    assert!(read.is_none() || read == model.get(&key).copied());
                }
            }
        }
        assert!(shard.entries.evictions > 0);
    }
}

/// Keys of every length, the empty one and those on the heap among them, under a handful of hashes.
#[test]
fn keys_of_any_length_are_told_apart() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for hashes in [1, 3, u64::MAX] {
        let mut entries = entries(50);
        let mut model = HashMap::new();
        let mut found = 0;
        for round in 0..10_000 {
            let length = random.usize(..70);
            let mut bytes = vec![7; length];
            if length == 9 && random.bool() {
                // As a number begins.
                bytes[0] = 1;
            }
            if let Some(byte) = (length > 0).then(|| &mut bytes[random.usize(..length)]) {
                *byte = 8;
            }
            let hash = bytes.iter().fold(length as u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            });
            let probe = Probe {
                hash: hash % hashes,
                bytes: &bytes,
            };
            match random.u32(..8) {
                0 => {
                    let removed = entries.remove(&probe).as_ref().map(value);
                    assert!(removed.is_none() || removed == model.remove(&bytes));
                }
                1..=3 => {
                    put(&mut entries, &probe, held(round, 1), &mut Gone::default());
                    model.insert(bytes, round);
                }
                _ => {
                    let read = entries.read(probe, Tick::ALWAYS, value).map(|read| read.0);
                    assert!(read.is_none() || read == model.get(&bytes).copied());
                    let seen = match entries.glance(probe, Tick::ALWAYS, value) {
                        Glance::Hit(seen) => Some(seen),
                        Glance::Miss => {
                            assert_eq!(read, None);
                            None
                        }
                        Glance::Unsure => None,
                    };
                    assert!(seen.is_none() || seen == read);
                    found += u64::from(read.is_some()) + u64::from(seen.is_some());
                }
            }
            entries.check();
        }
        assert!(found > 0 && found == entries.hits);
    }
}

#[test]
fn an_entry_that_all_have_read_is_evicted_all_the_same() {
    for most in [1, 2, 3, 100] {
        let mut shard = Shard::of(most);
        for key in 0..3 * most {
            shard.fill(key);
            (0..5).for_each(|_| assert_eq!(shard.read(key), Some(key)));
        }
        assert_eq!(shard.entries.len(), most);
        assert_eq!(shard.entries.evictions, 2 * most);
        // The heaviest that is kept has none beside it but what the rest has room for.
        shard.put(9_999, held(1, evict::hot_part(most)));
        assert!(shard.has(9_999));
    }
}

#[test]
fn a_read_that_is_refused_neither_counts_nor_earns_credit() {
    let mut shard = Shard::of(100);
    let mut due = held(1, 1);
    due.due = Tick::ALWAYS;
    shard.put(1, due);
    (0..5).for_each(|_| assert_eq!(shard.read(1), None));
    let place = shard.entries.places.places().next().unwrap();
    assert_eq!(
        (shard.entries.slots[place as usize].credit(), shard.entries.hits),
        (0, 0)
    );
}

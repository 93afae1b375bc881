//! Lengths that bytes claim reserve no memory, under any codec.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use cached_runtime::{Codec, fuzzing::codec as fuzzing};
use peak_alloc::PeakAlloc;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The allocator counts for all threads, so one test measures at a time.
static MEASURING: Mutex<()> = Mutex::new(());

const ALL: [Codec; 4] = [Codec::Bincode, Codec::Postcard, Codec::MessagePack, Codec::Json];

/// The most memory that was in use at once during `run`, beyond what was in use before.
fn peak<R>(run: impl FnOnce() -> R) -> (R, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = run();
    (result, ALLOCATOR.peak_usage().saturating_sub(before))
}

#[track_caller]
fn bomb<T: DeserializeOwned>(codec: Codec, payload: &[u8], allowed: usize) {
    let (decoded, peak) = peak(|| fuzzing::decode::<T>(codec, payload).is_ok());
    let (head, name) = (&payload[..payload.len().min(30)], std::any::type_name::<T>());
    assert!(!decoded, "{codec:?} took {head:02x?} for a {name}");
    assert!(
        peak <= allowed,
        "{codec:?} used {peak} bytes on {head:02x?} for a {name}"
    );
}

#[derive(Serialize, Deserialize)]
struct Tree {
    value: [u64; 8],
    children: Vec<Tree>,
}

/// Takes no bytes and much room.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Skipped {
    #[serde(skip)]
    _room: [u64; 32],
}

/// Asks for bytes.
struct Bytes;

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_byte_buf<E>(self, _bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes)
            }
        }
        source.deserialize_byte_buf(Visitor)
    }
}

/// A list that reserves whatever it is told, as some collections do.
struct Trusting;

impl<'de> Deserialize<'de> for Trusting {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Trusting;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<Trusting, A::Error> {
                let mut all = Vec::with_capacity(elements.size_hint().unwrap_or(0));
                while let Some(element) = elements.next_element::<u64>()? {
                    all.push(element);
                }
                Ok(Trusting)
            }
        }
        source.deserialize_seq(Visitor)
    }
}

/// How each format claims a length, before `rest`.
fn claims(length: u64, rest: &[u8]) -> Vec<(Codec, Vec<u8>)> {
    let mut bombs = Vec::new();
    for codec in [Codec::Bincode, Codec::Postcard] {
        bombs.push((
            codec,
            [fuzzing::encode(codec, &length).unwrap_or_default(), rest.to_vec()].concat(),
        ));
    }
    let short = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    for marker in [0xDB, 0xC6, 0xDD, 0xDF, 0xC9] {
        bombs.push((Codec::MessagePack, [&[marker][..], &short, rest].concat()));
    }
    bombs
}

#[test]
fn claimed_lengths_reserve_nothing() {
    const ALLOWED: usize = 64 << 10;
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    for length in [
        5000,
        1 << 20,
        u64::from(u32::MAX),
        1 << 40,
        u64::MAX >> 1,
        u64::MAX,
    ] {
        for (codec, payload) in claims(length, &[1; 20]) {
            bomb::<String>(codec, &payload, ALLOWED);
            bomb::<Box<str>>(codec, &payload, ALLOWED);
            bomb::<Bytes>(codec, &payload, ALLOWED);
            bomb::<Vec<u8>>(codec, &payload, ALLOWED);
            bomb::<Vec<u64>>(codec, &payload, ALLOWED);
            bomb::<VecDeque<String>>(codec, &payload, ALLOWED);
            bomb::<HashSet<u64>>(codec, &payload, ALLOWED);
            bomb::<HashMap<u64, [u64; 16]>>(codec, &payload, ALLOWED);
            bomb::<BTreeMap<String, u64>>(codec, &payload, ALLOWED);
            bomb::<Vec<Tree>>(codec, &payload, ALLOWED);
            bomb::<Vec<Skipped>>(codec, &payload, ALLOWED);
            bomb::<Vec<()>>(codec, &payload, ALLOWED);
            bomb::<Trusting>(codec, &payload, ALLOWED);
            bomb::<Option<Vec<Vec<String>>>>(codec, &payload, ALLOWED);
        }
    }
}

#[test]
fn nested_claims_add_up_to_the_bytes_at_most() {
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut bombs = Vec::new();
    for codec in [Codec::Bincode, Codec::Postcard] {
        let level = [
            fuzzing::encode(codec, &[1_u64; 8]),
            fuzzing::encode(codec, &30_000_u64),
        ];
        bombs.push((codec, level.map(Result::unwrap).concat()));
    }
    bombs.push((
        Codec::MessagePack,
        b"\x92\x98\x01\x01\x01\x01\x01\x01\x01\x01\xDD\x00\x00\x75\x30".to_vec(),
    ));
    for (codec, level) in bombs {
        // Sixty levels, each of which claims nearly as many elements as there are bytes.
        let mut payload = level.repeat(60);
        payload.resize(40_000, 1);
        bomb::<Tree>(codec, &payload, 3 << 20);
    }
}

#[test]
fn elements_without_bytes_have_a_small_allowance() {
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    for codec in [Codec::Bincode, Codec::Postcard] {
        let payload = fuzzing::encode(codec, &4000_u64).unwrap();
        let (value, peak) = peak(|| fuzzing::decode::<Vec<Skipped>>(codec, &payload));
        assert_eq!(value.unwrap().len(), 4000);
        assert!(peak < 4 << 20, "{peak}");
        // Room in advance is for bytes alone.
        bomb::<Vec<[u64; 32]>>(codec, &payload, 64 << 10);
    }
}

#[test]
fn an_honest_value_takes_little_more_than_itself() {
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let honest: Vec<u64> = (0..100_000).map(|number| number * 1_000_003).collect();
    for codec in ALL {
        let payload = fuzzing::encode(codec, &honest).unwrap();
        let (value, peak) = peak(|| fuzzing::decode::<Vec<u64>>(codec, &payload).unwrap());
        assert_eq!(value, honest);
        assert!(peak <= 4 * 8 * honest.len(), "{codec:?} used {peak} bytes");
    }
}

#[test]
fn claimed_envelopes_reserve_nothing() {
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let sealed = fuzzing::seal(Codec::Bincode, &vec![7; 100_000], Some(0), 1, "key");
    assert!(sealed.len() < 1000);
    for at in 0..sealed.len() - 9 {
        let mut forged = sealed.clone();
        forged[at..at + 2].fill(0xFF);
        fuzzing::forge_checksum(&mut forged);
        let (_, peak) = peak(|| fuzzing::open(&forged));
        assert!(peak <= 210_000, "{peak} bytes at {at}");
    }
    let at = sealed
        .windows(8)
        .position(|window| window == 100_000_u64.to_le_bytes())
        .unwrap();
    for length in [100_001_u64, 1 << 32, u64::MAX] {
        let mut forged = sealed.clone();
        forged[at..at + 8].copy_from_slice(&length.to_le_bytes());
        fuzzing::forge_checksum(&mut forged);
        let (opened, peak) = peak(|| fuzzing::open(&forged));
        assert!(opened.is_none());
        assert!(peak < 4096, "{peak} bytes for a length of {length}");
    }
}

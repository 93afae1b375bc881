//! Any bytes a store may hand back: opening them and decoding what is in them ends in a value or an error.
//!
//! The first byte decides how the rest is used: as an envelope as it is, as an envelope whose head and checksum a
//! hostile writer has put right (which a fuzzer would take ages to guess), or as a payload for one of the codecs.
#![no_main]

use std::collections::{BTreeMap, HashMap};

use cached_runtime::{Codec, fuzzing::codec as fuzzing};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Empty,
    Leaf(i64),
    Pair(Box<Tree>, Option<Box<Tree>>),
    Node { name: String, children: Vec<Tree> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    numbers: (u8, i16, u32, i64, u128),
    flag: bool,
    letter: char,
    text: String,
    list: Vec<Vec<u64>>,
    map: BTreeMap<String, Option<i32>>,
    hashed: HashMap<u16, ()>,
    array: [u8; 4],
    tree: Tree,
}

fn decode(codec: Codec, payload: &[u8]) {
    // What decodes has an encoding, which decodes to the same.
    if let Ok(value) = fuzzing::decode::<Everything>(codec, payload) {
        let again = fuzzing::encode(codec, &value).expect("a decoded value can be encoded");
        assert_eq!(fuzzing::decode::<Everything>(codec, &again).expect("and decoded again"), value);
    }
    let _ = fuzzing::decode::<Tree>(codec, payload);
    let _ = fuzzing::decode::<Vec<()>>(codec, payload);
    let _ = fuzzing::decode::<HashMap<String, Vec<f64>>>(codec, payload);
    let _ = fuzzing::decode::<serde::de::IgnoredAny>(codec, payload);
}

fuzz_target!(|input: &[u8]| {
    let Some((how, rest)) = input.split_first() else { return };
    let codec = [Codec::Bincode, Codec::Postcard, Codec::MessagePack, Codec::Json][usize::from(how & 3)];
    match how >> 6 {
        0 => {
            assert_ne!(fuzzing::reopen(rest), Some(false));
        }
        1 => {
            let mut forged = [&[0xCA, 0xC4, 0xED, 1, 1 + (how & 3)], rest, &[0; 8]].concat();
            fuzzing::forge_checksum(&mut forged);
            assert_ne!(fuzzing::reopen(&forged), Some(false));
            if let Some((codec, payload)) = fuzzing::open(&forged) {
                decode(codec, &payload);
            }
        }
        2 => {
            let sealed = fuzzing::seal(codec, rest, Some(usize::from(how & 0x3F)), 1, "key");
            assert_eq!(fuzzing::open(&sealed), Some((codec, rest.to_vec())));
        }
        _ => decode(codec, rest),
    }
});

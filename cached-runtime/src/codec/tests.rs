use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::ErrorKind;
use crate::codec::fuzzing::{decode, encode};

#[cfg(all(
    feature = "bincode",
    feature = "postcard",
    feature = "messagepack",
    feature = "json"
))]
const ALL: [Codec; 4] = [Codec::Bincode, Codec::Postcard, Codec::MessagePack, Codec::Json];

/// Something of everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    small: (u8, i8, u16, i16, u32, i32),
    large: (u64, i64),
    huge: (u128, i128),
    float: (f32, f64),
    flag: bool,
    letter: char,
    text: String,
    bytes: Bytes,
    list: Vec<u64>,
    map: BTreeMap<String, Option<i32>>,
    array: [u8; 4],
    unit: (),
    marker: Marker,
    wrapped: Meters,
    #[serde(skip)]
    skipped: u8,
    tree: Tree,
    when: Duration,
    id: uuid::Uuid,
    address: IpAddr,
    result: Result<u8, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Marker;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Meters(f64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Tree {
    Empty,
    Leaf(i64),
    Pair(Box<Tree>, Box<Tree>),
    Node { name: String, children: Vec<Tree> },
}

/// Bytes that ask for bytes.
#[derive(Debug, Clone, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct BytesVisitor;

        impl<'de> serde::de::Visitor<'de> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<Bytes, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = elements.next_element()? {
                    bytes.push(byte);
                }
                Ok(Bytes(bytes))
            }
        }

        source.deserialize_byte_buf(BytesVisitor)
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![Just(Tree::Empty), any::<i64>().prop_map(Tree::Leaf)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Tree::Pair(Box::new(a), Box::new(b))),
            (".{0,6}", prop::collection::vec(inner, 0..4))
                .prop_map(|(name, children)| Tree::Node { name, children }),
        ]
    })
}

prop_compose! {
    fn everything()(
        small: (u8, i8, u16, i16, u32, i32),
        large: (u64, i64),
        huge: (u128, i128),
        float in (-1e6_f32..1e6, -1e6_f64..1e6).prop_map(|(a, b)| (a.trunc(), b.trunc())),
        (flag, letter) in any::<(bool, char)>(),
        text in ".{0,30}",
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        list in prop::collection::vec(any::<u64>(), 0..20),
        map in prop::collection::btree_map(".{0,5}", any::<Option<i32>>(), 0..6),
        array: [u8; 4],
        tree in tree(),
        (millis, id) in any::<(u32, u128)>(),
    ) -> Everything {
        Everything {
            small, large, huge, float, flag, letter, text, bytes: Bytes(bytes), list, map, array,
            unit: (), marker: Marker, wrapped: Meters(float.1), skipped: 0, tree,
            when: Duration::from_millis(u64::from(millis)), id: uuid::Uuid::from_u128(id),
            address: IpAddr::from(array), result: if flag { Ok(array[0]) } else { Err("no".to_owned()) },
        }
    }
}

#[track_caller]
fn refused<T: serde::de::DeserializeOwned + Debug>(codec: Codec, payload: &[u8]) -> String {
    let error = decode::<T>(codec, payload).expect_err("this payload is not a value");
    assert_eq!(error.kind(), ErrorKind::Decode);
    error.to_string()
}

/// Bytes as every type there is; whatever they are, there is an answer.
fn decode_as_anything(codec: Codec, payload: &[u8]) {
    let _ = decode::<Everything>(codec, payload);
    let _ = decode::<Tree>(codec, payload);
    let _ = decode::<String>(codec, payload);
    let _ = decode::<Bytes>(codec, payload);
    let _ = decode::<Vec<Vec<u64>>>(codec, payload);
    let _ = decode::<HashMap<u64, Vec<String>>>(codec, payload);
    let _ = decode::<Vec<()>>(codec, payload);
    let _ = decode::<serde_json::Value>(codec, payload);
    let _ = decode::<(Option<Option<u8>>, char, SystemTime, bool)>(codec, payload);
}

#[test]
fn codecs_go_by_names_and_numbers() {
    for codec in ALL {
        assert_eq!(Codec::from_name(codec.name()), Some(codec));
        assert_eq!(Codec::from_id(codec.id()), Some(codec));
    }
    assert_eq!(ALL.map(Codec::id), [1, 2, 3, 4]);
    assert_eq!(
        ALL.map(Codec::name),
        ["bincode", "postcard", "messagepack", "json"]
    );
    assert_eq!(Codec::from_name("Bincode"), None);
    assert_eq!(Codec::from_id(0), None);
}

#[test]
fn encoding_appends() {
    let mut out = b"before".to_vec();
    Codec::Bincode.encode(&7_u8, &mut out).unwrap();
    assert_eq!(out, b"before\x07");
}

#[test]
fn left_over_bytes_are_an_error() {
    for codec in ALL {
        for extra in [0_u8, b'x', 0xC0, 0xFF] {
            let mut payload = encode(codec, &vec![1_u64, 2]).unwrap();
            payload.push(extra);
            refused::<Vec<u64>>(codec, &payload);
        }
    }
    assert_eq!(
        refused::<u8>(Codec::Bincode, &[1, 2]),
        "the payload is not the value's bincode: 1 bytes are left over"
    );
}

#[test]
fn a_skipped_field_is_refused_or_named() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sparse {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        first: Option<u8>,
        second: Option<u8>,
    }
    for codec in ALL {
        let full = Sparse {
            first: Some(1),
            second: Some(2),
        };
        assert_eq!(
            decode::<Sparse>(codec, &encode(codec, &full).unwrap()).unwrap(),
            full
        );
        let sparse = Sparse {
            first: None,
            second: Some(2),
        };
        match encode(codec, &sparse) {
            Ok(payload) => assert_eq!(decode::<Sparse>(codec, &payload).unwrap(), sparse),
            Err(error) => {
                assert!(matches!(codec, Codec::Bincode | Codec::Postcard));
                assert_eq!(error.kind(), ErrorKind::Encode);
                assert!(
                    error
                        .to_string()
                        .contains("`first` is left out by `skip_serializing_if`"),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn types_that_ask_the_bytes_need_names() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u64),
        Text(String),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Circle { radius: u32 },
        Square { side: u32 },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flat {
        id: u64,
        #[serde(flatten)]
        rest: BTreeMap<String, Untagged>,
    }
    let flat = Flat {
        id: 7,
        rest: BTreeMap::from([
            ("a".to_owned(), Untagged::Number(1)),
            ("b".to_owned(), Untagged::Text("x".to_owned())),
        ]),
    };
    for codec in [Codec::MessagePack, Codec::Json] {
        assert_eq!(
            decode::<Flat>(codec, &encode(codec, &flat).unwrap()).unwrap(),
            flat
        );
        let circle = Tagged::Circle { radius: 3 };
        assert_eq!(
            decode::<Tagged>(codec, &encode(codec, &circle).unwrap()).unwrap(),
            circle
        );
    }
    for codec in [Codec::Bincode, Codec::Postcard] {
        assert_eq!(encode(codec, &flat).unwrap_err().kind(), ErrorKind::Encode);
        refused::<Tagged>(codec, &encode(codec, &Tagged::Square { side: 1 }).unwrap());
        refused::<Untagged>(codec, &encode(codec, &Untagged::Number(1)).unwrap());
    }
}

#[test]
fn a_visitor_that_takes_only_owned_text_is_served() {
    #[derive(Debug, PartialEq)]
    struct Owned(String);
    impl<'de> Deserialize<'de> for Owned {
        fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
            struct OwnedVisitor;
            #[expect(clippy::serde_api_misuse, reason = "the oddity that this test is about")]
            impl serde::de::Visitor<'_> for OwnedVisitor {
                type Value = Owned;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("owned text")
                }
                fn visit_string<E>(self, text: String) -> Result<Owned, E> {
                    Ok(Owned(text))
                }
            }
            source.deserialize_string(OwnedVisitor)
        }
    }
    for codec in [Codec::Bincode, Codec::Postcard] {
        assert_eq!(
            decode::<Owned>(codec, &encode(codec, &"text").unwrap()).unwrap(),
            Owned("text".to_owned())
        );
    }
}

/// As deep as the bytes say, in a type whose frames are large.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Chain {
    End([u64; 24]),
    Next(Box<Chain>),
    Maybe(Option<Box<Chain>>),
    Field { inner: Box<Chain> },
    List(Vec<Chain>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(Option<Box<Wrapped>>);

#[test]
fn nesting_bombs_end_in_errors() {
    // Half of what a worker thread has.
    let thread = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(explode)
        .unwrap();
    thread.join().unwrap();
}

fn explode() {
    const LEVELS: usize = 200_000;
    for codec in [Codec::Bincode, Codec::Postcard] {
        refused::<Chain>(codec, &[1_u8].repeat(LEVELS));
        refused::<Chain>(codec, &[2_u8, 1].repeat(LEVELS));
        refused::<Chain>(codec, &[3_u8].repeat(LEVELS));
        refused::<Chain>(codec, &[4_u8, 1].repeat(LEVELS));
        refused::<Wrapped>(codec, &[1_u8].repeat(LEVELS));
    }
    for (name, shape) in [
        ("Next", &b""[..]),
        ("Maybe", b""),
        ("Field", b"\x81\xa5inner"),
        ("List", b"\x91"),
    ] {
        let level = [
            &[0x81, 0xA0 | u8::try_from(name.len()).unwrap()],
            name.as_bytes(),
            shape,
        ]
        .concat();
        refused::<Chain>(Codec::MessagePack, &level.repeat(LEVELS));
    }
    for byte in [0x91_u8, 0x81] {
        refused::<serde_json::Value>(Codec::MessagePack, &[byte].repeat(LEVELS));
        refused::<serde::de::IgnoredAny>(Codec::MessagePack, &[byte].repeat(LEVELS));
    }
    refused::<Wrapped>(Codec::MessagePack, &[1]);
    refused::<Wrapped>(Codec::Json, b"1");
    for level in [
        "{\"Next\":",
        "{\"Maybe\":",
        "{\"Field\":{\"inner\":",
        "{\"List\":[",
    ] {
        refused::<Chain>(Codec::Json, level.repeat(LEVELS).as_bytes());
    }
    refused::<serde_json::Value>(Codec::Json, "[".repeat(LEVELS).as_bytes());
}

#[test]
fn the_depth_of_honest_values_comes_back() {
    let mut chain = Chain::End([1; 24]);
    for level in 0..50 {
        chain = match level % 4 {
            0 => Chain::Next(Box::new(chain)),
            1 => Chain::Maybe(Some(Box::new(chain))),
            2 => Chain::Field {
                inner: Box::new(chain),
            },
            _ => Chain::List(vec![Chain::Maybe(None), chain]),
        };
    }
    for codec in ALL {
        assert_eq!(
            decode::<Chain>(codec, &encode(codec, &chain).unwrap()).unwrap(),
            chain
        );
    }
}

#[test]
fn elements_without_bytes_are_counted() {
    for codec in ALL {
        let payload = encode(codec, &vec![(); 4000]).unwrap();
        assert_eq!(decode::<Vec<()>>(codec, &payload).unwrap().len(), 4000);
    }
    for codec in [Codec::Bincode, Codec::Postcard] {
        for claimed in [5000, u64::MAX] {
            assert!(
                refused::<Vec<()>>(codec, &encode(codec, &claimed).unwrap())
                    .contains("more than the bytes hold")
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn values_come_back(value in everything()) {
        for codec in ALL {
            let payload = encode(codec, &value).unwrap();
            prop_assert_eq!(&decode::<Everything>(codec, &payload).unwrap(), &value);
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_formats(value in everything()) {
        let config = ::bincode::config::standard();
        let payload = encode(Codec::Bincode, &value).unwrap();
        prop_assert_eq!(&payload, &::bincode::serde::encode_to_vec(&value, config).unwrap());
        let (read, taken): (Everything, usize) = ::bincode::serde::decode_from_slice(&payload, config).unwrap();
        prop_assert_eq!((&read, taken), (&value, payload.len()));

        let payload = encode(Codec::Postcard, &value).unwrap();
        prop_assert_eq!(&payload, &::postcard::to_stdvec(&value).unwrap());
        prop_assert_eq!(&::postcard::from_bytes::<Everything>(&payload).unwrap(), &value);
    }

    #[test]
    fn a_shortened_payload_is_an_error(value in everything(), cut in any::<prop::sample::Index>()) {
        for codec in ALL {
            let payload = encode(codec, &value).unwrap();
            prop_assert!(decode::<Everything>(codec, &payload[..cut.index(payload.len())]).is_err());
        }
    }

    #[test]
    fn a_changed_payload_is_decoded_or_refused(
        value in everything(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for codec in ALL {
            let mut payload = encode(codec, &value).unwrap();
            for (at, byte) in &changes {
                let at = at.index(payload.len());
                payload[at] = *byte;
            }
            decode_as_anything(codec, &payload);
        }
    }

    #[test]
    fn random_bytes_are_decoded_or_refused(payload in prop::collection::vec(any::<u8>(), 0..120)) {
        for codec in ALL {
            decode_as_anything(codec, &payload);
        }
    }
}

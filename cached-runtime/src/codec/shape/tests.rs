use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU8, NonZeroU64};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::*;

/// The same type by another name, so that only the shape can tell.
macro_rules! shape {
    ($($item:tt)*) => {{
        #[derive(Deserialize)]
        #[allow(dead_code, reason = "only its shape matters, and not all have what is dead")]
        $($item)*
        of::<Subject>()
    }};
}

fn of<T: DeserializeOwned>() -> u64 {
    fingerprint(Subject::of::<T>(), "cache", 0)
}

fn complete<T: DeserializeOwned>() -> bool {
    trace(Subject::of::<T>(), false).complete && trace(Subject::of::<T>(), true).complete
}

#[test]
fn the_same_shape_has_the_same_fingerprint() {
    let first = shape! { struct Subject { id: u64, name: String, tags: Vec<String> } };
    let second = shape! { struct Subject { id: u64, name: Box<str>, tags: Vec<String> } };
    assert_eq!(first, second);
}

#[test]
fn cache_and_version_count() {
    let fingerprints = [
        fingerprint(Subject::of::<u8>(), "a", 0),
        fingerprint(Subject::of::<u8>(), "b", 0),
        fingerprint(Subject::of::<u8>(), "a", 1),
        fingerprint(Subject::of::<u8>(), "", 0),
    ];
    assert_eq!(HashSet::from(fingerprints).len(), 4);
}

#[test]
fn every_change_of_a_struct_counts() {
    let all = [
        shape! { struct Subject { a: u32, b: u32 } },
        shape! { struct Subject { b: u32, a: u32 } },
        shape! { struct Subject { a: u32 } },
        shape! { struct Subject { a: u32, b: u32, c: u32 } },
        shape! { struct Subject { a: u32, b: i32 } },
        shape! { struct Subject { a: u32, b: u64 } },
        shape! { struct Subject { a: u32, b: Option<u32> } },
        shape! { struct Subject { a: u32, b: Vec<u32> } },
        shape! { struct Subject { a: u32, b: (u32, u32) } },
        shape! { struct Subject { a: u32, b: [u32; 3] } },
        shape! { struct Subject { a: u32, b: HashMap<u32, u32> } },
        shape! { struct Subject { a: u32, b: HashMap<u32, u64> } },
        shape! { struct Subject { a: u32, b: String } },
        shape! { struct Subject { a: u32, b: char } },
        shape! { struct Subject { a: u32, b: () } },
        shape! { struct Subject { a: u32, #[serde(rename = "c")] b: u32 } },
        shape! { struct Subject(u32, u32); },
        shape! { struct Subject(u32); },
        shape! { struct Subject; },
    ];
    assert_eq!(HashSet::from(all).len(), all.len());
}

#[test]
fn every_change_of_an_enum_counts() {
    let all = [
        shape! { enum Subject { A, B } },
        shape! { enum Subject { B, A } },
        shape! { enum Subject { A } },
        shape! { enum Subject { A, B, C } },
        shape! { enum Subject { A, B(u32) } },
        shape! { enum Subject { A, B(u64) } },
        shape! { enum Subject { A, B(u32, u32) } },
        shape! { enum Subject { A, B(u32, u64) } },
        shape! { enum Subject { A, B { a: u32, b: u32 } } },
        shape! { enum Subject { A, B { b: u32, a: u32 } } },
        shape! { enum Subject { A, B { a: u32, b: u64 } } },
        shape! { enum Subject { A(u32), B } },
        shape! { enum Subject { A(Vec<u32>), B } },
        shape! { enum Subject { A(Option<u32>), B } },
    ];
    assert_eq!(HashSet::from(all).len(), all.len());
}

/// Puts `$part` in several places, so that a change must be seen through all of them.
macro_rules! around {
    ($($part:tt)*) => {{
        #[derive(Deserialize)]
        #[allow(dead_code, reason = "only its shape matters, and not all have what is dead")]
        $($part)*
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its shape matters")]
        enum Outer { Nothing, Something { before: Option<Vec<Part>>, after: u8 } }
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct Subject { first: Other, outer: Outer, second: Other, map: BTreeMap<String, (u8, Part)> }
        assert!(complete::<Subject>());
        of::<Subject>()
    }};
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only its shape matters")]
enum Other {
    X,
    Y(u8),
    Z { inner: Option<Inner> },
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only its shape matters")]
enum Inner {
    P(Duration),
    Q,
}

#[test]
fn changes_deep_inside_count() {
    let all = [
        around! { struct Part { a: u8, b: u8 } },
        around! { struct Part { b: u8, a: u8 } },
        around! { struct Part { a: u8 } },
        around! { enum Part { A, B { c: u8 } } },
        around! { enum Part { A, B { c: u16 } } },
        around! { enum Part { A, B { c: u16 }, C } },
    ];
    assert_eq!(HashSet::from(all).len(), all.len());
}

#[test]
fn every_variant_of_every_enum_is_heard() {
    macro_rules! last_variant {
        ($last:ty) => {{
            #[derive(Deserialize)]
            #[expect(dead_code, reason = "only its shape matters")]
            enum Innermost {
                A,
                B,
                C($last),
            }
            #[derive(Deserialize)]
            #[expect(dead_code, reason = "only its shape matters")]
            enum Middle {
                A(u8),
                B { innermost: Vec<Innermost> },
            }
            #[derive(Deserialize)]
            #[expect(dead_code, reason = "only its shape matters")]
            struct Subject {
                others: (Other, Inner, Option<Other>),
                a: Middle,
                b: Middle,
                c: Other,
            }
            assert!(complete::<Subject>());
            of::<Subject>()
        }};
    }
    assert_ne!(last_variant!(u8), last_variant!(u16));
}

#[test]
fn many_enums_side_by_side_are_added_and_not_multiplied() {
    macro_rules! enums {
        ($($name:ident)*) => {
            $(#[derive(Deserialize)]
            #[expect(dead_code, reason = "only its shape matters")]
            enum $name { V1, V2, V3, V4, V5, V6(u8), V7, V8 })*
            #[derive(Deserialize)]
            #[expect(dead_code, non_snake_case, reason = "only its shape matters")]
            struct Subject { $($name: $name),* }
        };
    }
    enums! { A B C D E F G H I J K L M N O P }
    assert!(complete::<Subject>());
}

#[test]
fn recursive_types_end() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct List {
        value: u8,
        next: Option<Box<List>>,
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    enum Expression {
        Negated(Box<Expression>),
        Sum { terms: Vec<Expression> },
        Pair(Box<Expression>, Box<Pair>),
        Number(f64),
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Pair {
        left: Expression,
        right: Expression,
    }
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Forest(#[expect(dead_code, reason = "only its shape matters")] Vec<Forest>);
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    enum Endless {
        Again(Box<Endless>),
    }
    assert!(complete::<List>());
    assert!(complete::<Expression>());
    assert!(complete::<Pair>());
    assert!(complete::<Forest>());
    assert!(!complete::<Endless>());
    let all = [
        of::<List>(),
        of::<Expression>(),
        of::<Pair>(),
        of::<Forest>(),
        of::<Endless>(),
    ];
    assert_eq!(HashSet::from(all).len(), all.len());
}

#[test]
fn types_that_check_what_they_read_are_heard() {
    #[derive(Deserialize)]
    #[serde(try_from = "u32")]
    struct Thousand;
    impl TryFrom<u32> for Thousand {
        type Error = &'static str;
        fn try_from(number: u32) -> Result<Self, Self::Error> {
            if number == 1000 {
                Ok(Self)
            } else {
                Err("not a thousand")
            }
        }
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Checked {
        thousand: Thousand,
        plain: u32,
        id: uuid::Uuid,
        ids: HashMap<uuid::Uuid, Vec<uuid::Uuid>>,
        address: Option<IpAddr>,
        socket: SocketAddr,
        one: NonZeroU8,
        more: NonZeroU64,
        date: chrono::NaiveDate,
        time: chrono::NaiveTime,
        both: chrono::NaiveDateTime,
        utc: chrono::DateTime<chrono::Utc>,
        day: chrono::Weekday,
        when: SystemTime,
        lasting: Duration,
        last: Result<u8, bool>,
    }
    assert!(complete::<Checked>());
}

#[test]
fn text_and_binary_forms_both_count() {
    assert_ne!(of::<uuid::Uuid>(), of::<String>());
    assert_ne!(of::<IpAddr>(), of::<String>());
    assert_ne!(of::<uuid::Uuid>(), of::<IpAddr>());
}

#[test]
fn two_ways_to_read_one_type_are_two_shapes() {
    mod seconds {
        pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Vec<u32>, D::Error> {
            serde::Deserialize::deserialize(source)
                .map(|all: Vec<u8>| all.into_iter().map(u32::from).collect())
        }
    }
    mod millis {
        pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Vec<u32>, D::Error> {
            serde::Deserialize::deserialize(source)
                .map(|all: Vec<u16>| all.into_iter().map(u32::from).collect())
        }
    }
    let both = shape! { struct Subject { #[serde(with = "seconds")] a: Vec<u32>, #[serde(with = "millis")] b: Vec<u32> } };
    let same = shape! { struct Subject { #[serde(with = "seconds")] a: Vec<u32>, #[serde(with = "seconds")] b: Vec<u32> } };
    assert_ne!(both, same);
}

#[test]
fn what_cannot_be_heard_goes_by_its_name() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its shape matters")]
    enum Untagged {
        Number(u64),
        Text(String),
    }
    #[derive(Deserialize)]
    #[serde(tag = "kind")]
    #[expect(dead_code, reason = "only its shape matters")]
    enum Tagged {
        Circle { radius: u32 },
        Square { side: u32 },
    }
    #[derive(Deserialize)]
    enum Never {}
    assert!(!complete::<Untagged>());
    assert!(!complete::<Tagged>());
    assert!(!complete::<Never>());
    assert!(!complete::<serde::de::IgnoredAny>());
    assert_eq!(of::<Untagged>(), of::<Untagged>());
    let all = [
        of::<Untagged>(),
        of::<Tagged>(),
        of::<Never>(),
        of::<serde::de::IgnoredAny>(),
    ];
    assert_eq!(HashSet::from(all).len(), all.len());
}

#[test]
fn flattened_and_tagged_types_are_heard_as_far_as_they_say() {
    let flat = [
        shape! { struct Subject { id: u64, name: String, #[serde(flatten)] rest: HashMap<String, u8> } },
        shape! { struct Subject { name: String, id: u64, #[serde(flatten)] rest: HashMap<String, u8> } },
        shape! { struct Subject { id: u32, name: String, #[serde(flatten)] rest: HashMap<String, u8> } },
        shape! { struct Subject { id: u64, #[serde(flatten)] rest: HashMap<String, u8> } },
    ];
    assert_eq!(HashSet::from(flat).len(), flat.len());
    let tagged = [
        shape! { #[serde(tag = "t")] enum Subject { A { a: u8 }, B } },
        shape! { #[serde(tag = "t")] enum Subject { A { a: u8 }, C } },
        shape! { #[serde(tag = "t")] enum Subject { B, A { a: u8 } } },
        shape! { #[serde(tag = "u")] enum Subject { A { a: u8 }, B } },
        shape! { #[serde(tag = "t", content = "c")] enum Subject { A { a: u8 }, B } },
        shape! { #[serde(tag = "t", content = "c")] enum Subject { A { a: u16 }, B } },
    ];
    assert_eq!(HashSet::from(tagged).len(), tagged.len());
}

#[test]
fn odd_types_do_no_harm() {
    /// Reads by name only, swallows errors, and asks for more than there is.
    struct Odd;
    impl<'de> Deserialize<'de> for Odd {
        fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
            struct OddVisitor;
            impl<'de> serde::de::Visitor<'de> for OddVisitor {
                type Value = Odd;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("something odd")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut entries: A) -> Result<Odd, A::Error> {
                    for _ in 0..100 {
                        let _ = entries.next_entry::<String, Vec<NonZeroU8>>();
                        let _ = entries.next_value::<Option<u8>>();
                    }
                    Ok(Odd)
                }
            }
            source.deserialize_struct("Odd", &["a", "b"], OddVisitor)
        }
    }
    // Its names are heard, and what it reads under them is not.
    assert!(!complete::<Odd>());
    assert_ne!(of::<Odd>(), of::<Vec<Odd>>());
}

#[test]
fn fingerprints_stay_what_they_were() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct User {
        id: u64,
        name: String,
        role: Role,
        manager: Option<Box<User>>,
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    enum Role {
        Guest,
        Member { since: u32 },
    }
    assert_eq!(
        fingerprint(Subject::of::<User>(), "get_user", 1),
        12_923_764_560_597_017_868
    );
}

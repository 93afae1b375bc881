//! `KeyArg`: which expressions stand for an argument, and that each writes what the argument itself would.
#![expect(
    clippy::needless_borrows_for_generic_args,
    reason = "borrowed forms are what is tested"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "companions take what stands for an argument by value"
)]

use std::borrow::Cow;
use std::sync::Arc;

use cached_runtime::fuzzing::key::{compact, compact_arg};
use cached_runtime::{KeyArg, KeyPart};

// As companions take them.
fn id(id: impl KeyArg<u64>) -> Vec<u8> {
    compact_arg::<u64>(&id)
}

fn name(name: impl KeyArg<str>) -> Vec<u8> {
    compact_arg::<str>(&name)
}

fn owned(name: impl KeyArg<String>) -> Vec<u8> {
    compact_arg::<String>(&name)
}

fn ids(ids: impl KeyArg<[u64]>) -> Vec<u8> {
    compact_arg::<[u64]>(&ids)
}

fn list(ids: impl KeyArg<Vec<u64>>) -> Vec<u8> {
    compact_arg::<Vec<u64>>(&ids)
}

fn maybe(id: impl KeyArg<Option<u64>>) -> Vec<u8> {
    compact_arg::<Option<u64>>(&id)
}

fn maybe_name<'a>(name: impl KeyArg<Option<&'a str>>) -> Vec<u8> {
    compact_arg::<Option<&str>>(&name)
}

fn pair(pair: impl KeyArg<(u32, String)>) -> Vec<u8> {
    compact_arg::<(u32, String)>(&pair)
}

// A type parameter: by reference.
fn any<T: KeyPart>(part: &T) -> Vec<u8> {
    compact_arg::<T>(&part)
}

#[test]
fn numbers() {
    let stored = 41_u64;
    let borrowed = &stored;
    for same in [
        id(41),
        id(&41),
        id(stored),
        id(borrowed),
        id(&borrowed),
        any(&stored),
    ] {
        assert_eq!(same, compact(&41_u64));
    }
}

#[test]
fn strings() {
    let stored = String::from("a");
    let text: &str = &stored;
    let strings = [&stored];
    for same in [
        name("a"),
        name(stored.clone()),
        name(&stored),
        name(strings[0]),
        name(text),
        name(&text),
        name(&&stored),
    ] {
        assert_eq!(same, compact("a"));
    }
    for same in [
        owned("a"),
        owned(stored.clone()),
        owned(&stored),
        owned(text),
        owned(&text),
        owned(&&stored),
    ] {
        assert_eq!(same, compact("a"));
    }
}

#[test]
fn lists() {
    let stored = vec![1, 2];
    let slice: &[u64] = &stored;
    for same in [
        ids([1, 2]),
        ids(&[1, 2]),
        ids(vec![1, 2]),
        ids(&stored),
        ids(slice),
        ids(&slice),
        ids(&&[1, 2]),
        ids(&&stored),
    ] {
        assert_eq!(same, compact(&[1_u64, 2]));
    }
    for same in [
        list([1, 2]),
        list(&[1, 2]),
        list(vec![1, 2]),
        list(&stored),
        list(slice),
        list(&slice),
        list(&&[1, 2]),
        list(&&stored),
    ] {
        assert_eq!(same, compact(&[1_u64, 2]));
    }
    assert_eq!(ids([]), compact(&()));
    assert_eq!(ids(&[]), compact(&()));
    assert_eq!(list(Vec::new()), compact(&()));
}

#[test]
fn options() {
    for none in [maybe(None), maybe(&None), maybe_name(None)] {
        assert_eq!(none, compact(&None::<u64>));
    }
    for some in [maybe(Some(7)), maybe(&Some(7)), maybe_name(Some("7"))] {
        assert_eq!(some, compact(&7_u64));
    }
}

#[test]
fn other_types() {
    let stored = (7, String::from("a"));
    for same in [pair((7, "a".to_owned())), pair(&stored), pair(&&stored)] {
        assert_eq!(same, compact(&(7_u8, "a")));
    }
    let shared: Arc<str> = "a".into();
    assert_eq!(compact_arg::<Arc<str>>(&&shared), compact("a"));
    assert_eq!(compact_arg::<Cow<'_, str>>(&Cow::Borrowed("a")), compact("a"));
    assert_eq!(
        compact_arg::<Box<[u8]>>(&Box::<[u8]>::from([1, 2])),
        compact(&(1_u8, 2_u8))
    );
}

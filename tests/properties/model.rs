//! Values as the properties see them: a tree, and what its text should be, told in the simplest way.

use cached_runtime::fuzzing::key::KeyBuf;
use cached_runtime::{KeyPart, KeyWriter, Written};
use proptest::prelude::*;

use crate::texts;

/// Any value that a part can write.
#[derive(Debug, Clone)]
pub enum Value {
    Text(String),
    Integer(i128),
    None,
    Some(Box<Value>),
    Sequence(Vec<Value>),
}

impl KeyPart for Value {
    fn write(&self, key: KeyWriter<'_>) -> Written {
        match self {
            Self::Text(text) => key.text(text),
            Self::Integer(number) => key.integer(*number),
            Self::None => key.none(),
            Self::Some(value) => key.some(&**value),
            Self::Sequence(values) => key.sequence(|seq| {
                for value in values {
                    seq.part(value);
                }
            }),
        }
    }
}

/// What tells values apart: the tree with every text spelled out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    Text(String),
    None(usize),
    Sequence(Vec<Meaning>),
}

impl Value {
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::Text(text) => Meaning::Text(text.clone()),
            Self::Integer(number) => Meaning::Text(number.to_string()),
            Self::None => Meaning::None(1),
            Self::Some(value) => match value.meaning() {
                Meaning::None(depth) => Meaning::None(depth + 1),
                other => other,
            },
            Self::Sequence(values) => Meaning::Sequence(values.iter().map(Self::meaning).collect()),
        }
    }
}

impl Meaning {
    /// The text, straight from the rules.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.bytes().map(byte_text).collect(),
            Self::None(depth) => format!("%{}", "N".repeat(*depth)),
            Self::Sequence(values) => {
                let elements: String = values.iter().map(|value| value.text() + ",").collect();
                format!("({elements})")
            }
        }
    }
}

fn byte_text(byte: u8) -> String {
    let plain = byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if plain {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// The compact form of a key with these values and tags.
pub fn compact(values: &[Value], tags: &[String]) -> Vec<u8> {
    let mut buf = KeyBuf::new();
    for value in values {
        buf.part(value);
    }
    for tag in tags {
        buf.tag_text(tag);
    }
    buf.as_bytes().to_vec()
}

/// Texts that are short and of few characters, all with a meaning in keys, so that two of them often collide.
pub fn tricky_text() -> impl Strategy<Value = String> {
    texts("[01AN%(),:#é{]{0,3}")
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![4 => tricky_text(), 2 => texts("[ -~é→\\u{10FFFF}]{0,12}"), 1 => any::<u64>().prop_map(|number| number.to_string()), 1 => long_text()]
}

/// Around the lengths where an encoding changes: inline keys, one-byte counts.
fn long_text() -> impl Strategy<Value = String> {
    (
        prop_oneof![Just(20_usize), Just(126), Just(254), Just(255), Just(300)],
        texts("[a0%]"),
    )
        .prop_map(|(count, unit)| unit.repeat(count))
}

fn tree(leaf: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|value| Value::Some(Box::new(value))),
            prop::collection::vec(inner, 0..3).prop_map(Value::Sequence),
        ]
    })
    .boxed()
}

/// Values of every kind and size.
pub fn any_value() -> BoxedStrategy<Value> {
    let integer = prop_oneof![
        any::<u64>().prop_map(i128::from),
        any::<i64>().prop_map(i128::from),
        any::<i128>()
    ];
    tree(
        prop_oneof![
            any_text().prop_map(Value::Text),
            integer.prop_map(Value::Integer),
            Just(Value::None)
        ]
        .boxed(),
    )
}

/// Values that are often equal to each other, or nearly.
pub fn tricky_value() -> BoxedStrategy<Value> {
    tree(
        prop_oneof![
            tricky_text().prop_map(Value::Text),
            (-1_i128..12).prop_map(Value::Integer),
            Just(Value::None)
        ]
        .boxed(),
    )
}

//! The words of a survey: what can be asked for, by which type, and how a type says no.

use std::any::type_name;
use std::fmt;

/// What a type can ask for, as it is recorded. Numbers are never reused: they are part of fingerprints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Kind {
    Bool = 1,
    I8 = 2,
    I16 = 3,
    I32 = 4,
    I64 = 5,
    I128 = 6,
    U8 = 7,
    U16 = 8,
    U32 = 9,
    U64 = 10,
    U128 = 11,
    F32 = 12,
    F64 = 13,
    Char = 14,
    Text = 15,
    Bytes = 16,
    Option = 17,
    Unit = 18,
    Newtype = 19,
    Seq = 20,
    Tuple = 21,
    Map = 22,
    Struct = 23,
    Enum = 24,
    Identifier = 25,
    Any = 26,
    Ignored = 27,
    Seen = 28,
    Explored = 29,
    UnitVariant = 30,
    NewtypeVariant = 31,
    TupleVariant = 32,
    StructVariant = 33,
    /// Lengths of sequences whose type has been heard. Not recorded.
    Short = 34,
}

/// A type, by the visitor that reads it: a visitor always asks for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) kind: Kind,
    visitor: &'static str,
    scope: &'static str,
}

impl Identity {
    /// The type read by the visitor `V`, wherever it stands.
    pub(super) fn of<V>(kind: Kind) -> Self {
        Self {
            kind,
            visitor: type_name::<V>(),
            scope: "",
        }
    }

    /// The same at a certain place: a visitor of numbers is asked by many types that check them differently.
    pub(super) fn at<V>(kind: Kind, scope: &'static str) -> Self {
        Self {
            scope,
            ..Self::of::<V>(kind)
        }
    }
}

/// Why a type stopped asking.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// A field of this name was expected in a map.
    pub(super) missing: Option<&'static str>,
    /// One of these names was expected.
    pub(super) names: Option<&'static [&'static str]>,
    /// A sequence was too short or too long.
    pub(super) length: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the type refused a sample")
    }
}

impl std::error::Error for Refusal {}

impl serde::de::Error for Refusal {
    fn custom<M: fmt::Display>(_message: M) -> Self {
        Self::default()
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            missing: Some(field),
            ..Self::default()
        }
    }

    fn unknown_variant(_variant: &str, expected: &'static [&'static str]) -> Self {
        Self {
            names: Some(expected),
            ..Self::default()
        }
    }

    fn invalid_length(_length: usize, _expected: &dyn serde::de::Expected) -> Self {
        Self {
            length: true,
            ..Self::default()
        }
    }
}

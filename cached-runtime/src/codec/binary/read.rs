//! Reads a value out of bytes that carry no names, and believes no length.
//!
//! Every element of a sequence or a map takes at least a byte of its own, so the lengths of all of them together are
//! at most the number of bytes there are. [`Reader::claim`] holds each length against what is left of that sum: room
//! that is reserved in advance is room for which bytes exist. Elements that take no bytes (`()`, a struct whose
//! fields are all skipped) have [`FREE_ELEMENTS`] beyond it.

use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::Format;
use crate::codec::bounds::MAX_DEPTH;
use crate::codec::fault::Fault;

/// How many elements of a payload may take no bytes.
const FREE_ELEMENTS: usize = 4096;

pub(super) struct Reader<'de, F> {
    rest: &'de [u8],
    elements_left: usize,
    depth: u16,
    format: PhantomData<F>,
}

impl<'de, F: Format> Reader<'de, F> {
    pub(super) fn new(payload: &'de [u8]) -> Self {
        Self {
            rest: payload,
            elements_left: payload.len().saturating_add(FREE_ELEMENTS),
            depth: 0,
            format: PhantomData,
        }
    }

    pub(super) fn finish(self) -> Result<(), Fault> {
        match self.rest {
            [] => Ok(()),
            rest => Err(Fault::new(format_args!("{} bytes are left over", rest.len()))),
        }
    }

    #[inline]
    fn take<P: Deserialize<'de>>(&mut self) -> Result<P, Fault> {
        let (part, taken) = F::take(self.rest)?;
        self.rest = self.rest.get(taken..).unwrap_or_default();
        Ok(part)
    }

    /// The length of a sequence or map, held against the bytes.
    fn claim(&mut self) -> Result<usize, Fault> {
        let claimed = self.take::<u64>()?;
        let length = usize::try_from(claimed)
            .ok()
            .filter(|length| *length <= self.elements_left);
        let length = length
            .ok_or_else(|| Fault::new(format_args!("a length of {claimed} is more than the bytes hold")))?;
        self.elements_left -= length;
        Ok(length)
    }

    /// One level further down.
    #[inline]
    fn nested<R>(&mut self, read: impl FnOnce(&mut Self) -> Result<R, Fault>) -> Result<R, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::new(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }
}

macro_rules! parts {
    ($($method:ident $visit:ident $part:ty;)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(self.take::<$part>()?.into())
        })*
    };
}

macro_rules! unsupported {
    ($($method:ident)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Fault> {
            Err(Fault::new(
                "the type asks the bytes what they hold (as with `untagged`, `tag`, `flatten` and `serde_json::Value`), which this \
                 format does not write; `messagepack` and `json` do",
            ))
        })*
    };
}

impl<'de, F: Format> Deserializer<'de> for &mut Reader<'de, F> {
    type Error = Fault;

    parts! {
        deserialize_bool visit_bool bool;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
        deserialize_char visit_char char;
        deserialize_str visit_borrowed_str &'de str;
        deserialize_string visit_string &'de str;
        deserialize_bytes visit_borrowed_bytes &'de [u8];
        deserialize_byte_buf visit_byte_buf &'de [u8];
    }

    unsupported! { deserialize_any deserialize_identifier deserialize_ignored_any }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.take::<u8>()? {
            0 => visitor.visit_none(),
            1 => self.nested(|reader| visitor.visit_some(reader)),
            tag => Err(Fault::new(format_args!(
                "{tag} is neither absent (0) nor present (1)"
            ))),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.nested(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let length = self.claim()?;
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        let mut elements = Elements {
            reader: self,
            left: length,
        };
        let value = visitor.visit_seq(&mut elements)?;
        elements.finish(value)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let left = self.claim()?;
        let mut entries = Elements { reader: self, left };
        let value = visitor.visit_map(&mut entries)?;
        entries.finish(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        // The list may hold aliases beside names, so the visitor may well stop before its end.
        visitor.visit_seq(&mut Elements {
            reader: self,
            left: fields.len(),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// What is left of a sequence or a map.
struct Elements<'a, 'de, F> {
    reader: &'a mut Reader<'de, F>,
    left: usize,
}

impl<'de, F: Format> Elements<'_, 'de, F> {
    /// A visitor that stopped early would have the next part read from where it stopped.
    fn finish<T>(self, value: T) -> Result<T, Fault> {
        match self.left {
            0 => Ok(value),
            left => Err(Fault::new(format_args!("{left} elements too many"))),
        }
    }

    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.reader.nested(|reader| seed.deserialize(reader)).map(Some)
    }

    fn hint(&self) -> usize {
        self.left.min(self.reader.rest.len())
    }
}

impl<'de, F: Format> SeqAccess<'de> for &mut Elements<'_, 'de, F> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

impl<'de, F: Format> MapAccess<'de> for &mut Elements<'_, 'de, F> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        self.next(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        self.reader.nested(|reader| seed.deserialize(reader))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

impl<'de, F: Format> EnumAccess<'de> for &mut Reader<'de, F> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        let variant: U32Deserializer<Fault> = self.take::<u32>()?.into_deserializer();
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de, F: Format> VariantAccess<'de> for &mut Reader<'de, F> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        self.nested(|reader| seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_struct("", fields, visitor)
    }
}

//! Writes a value as bytes without names, and refuses what could not be read back from them.

use std::marker::PhantomData;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::Format;
use crate::codec::fault::Fault;

pub(super) struct Writer<'a, F> {
    out: &'a mut Vec<u8>,
    format: PhantomData<F>,
}

impl<'a, F: Format> Writer<'a, F> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            format: PhantomData,
        }
    }

    #[inline]
    fn put<P: Serialize + ?Sized>(&mut self, part: &P) -> Result<(), Fault> {
        F::put(part, self.out)
    }

    fn put_length(&mut self, length: Option<usize>) -> Result<(), Fault> {
        let length = length.ok_or_else(|| {
            Fault::new(
                "a sequence or map does not know its length beforehand (as with `flatten`), which this format needs; \
                 `messagepack` and `json` do not",
            )
        })?;
        self.put(&(length as u64))
    }
}

/// Bytes that are written as bytes, not as a sequence of numbers.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

macro_rules! parts {
    ($($method:ident $part:ty;)*) => {
        $(#[inline]
        fn $method(self, part: $part) -> Result<(), Fault> {
            self.put(&part)
        })*
    };
}

impl<F: Format> Serializer for &mut Writer<'_, F> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    parts! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_u128 u128;
        serialize_f32 f32;
        serialize_f64 f64;
        serialize_char char;
        serialize_str &str;
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Fault> {
        self.put(&Bytes(bytes))
    }

    fn serialize_none(self) -> Result<(), Fault> {
        self.put(&0_u8)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        self.put(&1_u8)?;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Fault> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Fault> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
    ) -> Result<(), Fault> {
        self.put(&index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.put(&index)?;
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Fault> {
        self.put_length(length)?;
        Ok(self)
    }

    fn serialize_tuple(self, _length: usize) -> Result<Self, Fault> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Self, Fault> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self, Fault> {
        self.put(&index)?;
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, Fault> {
        self.put_length(length)?;
        Ok(self)
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Self, Fault> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self, Fault> {
        self.put(&index)?;
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! elements {
    ($($access:ident $method:ident;)*) => {
        $(impl<F: Format> $access for &mut Writer<'_, F> {
            type Ok = ();
            type Error = Fault;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), Fault> {
                Ok(())
            }
        })*
    };
}

elements! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

impl<F: Format> SerializeMap for &mut Writer<'_, F> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Fault> {
        Ok(())
    }
}

macro_rules! fields {
    ($($access:ident)*) => {
        $(impl<F: Format> $access for &mut Writer<'_, F> {
            type Ok = ();
            type Error = Fault;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, _name: &'static str, value: &T) -> Result<(), Fault> {
                value.serialize(&mut **self)
            }

            // Left out silently, the fields after it would be read in its place.
            fn skip_field(&mut self, name: &'static str) -> Result<(), Fault> {
                Err(Fault::new(format_args!(
                    "the field `{name}` is left out by `skip_serializing_if`, and this format needs every field: \
                     use `messagepack` or `json`"
                )))
            }

            fn end(self) -> Result<(), Fault> {
                Ok(())
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }

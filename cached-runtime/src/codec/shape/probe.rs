//! A deserializer without bytes: it answers every question with a sample and records the question.

use std::any::type_name;

use serde::de::{DeserializeSeed, Deserializer, VariantAccess, Visitor};

use super::parts::{Elements, Entries, Variant};
use super::samples::{BYTE_LENGTHS, BYTES, CHARS, LENGTHS, NUMBERS, SHORT_LENGTHS, TEXTS};
use super::survey::{Entered, Survey, count};
use super::terms::{Identity, Kind, Refusal};

/// Asks one part of a type.
pub(super) struct Probe<'s> {
    pub(super) survey: &'s mut Survey,
    /// The type that is being read, or the field of a map.
    pub(super) scope: &'static str,
}

impl<'s> Probe<'s> {
    pub(super) fn of<T>(survey: &'s mut Survey) -> Self {
        Self {
            survey,
            scope: type_name::<T>(),
        }
    }

    /// Records a part that holds no others, and says which of so many samples to give it.
    fn sample<V>(&mut self, kind: Kind, samples: usize) -> Result<usize, Refusal> {
        self.survey.record(kind)?;
        Ok(self.survey.sample(Identity::at::<V>(kind, self.scope), samples))
    }

    /// A value that holds others, heard in full the first time and made small when met again.
    fn composite<R>(
        self,
        of: Identity,
        variants: usize,
        make: impl FnOnce(Probe<'_>, Entered) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let Self { survey, scope } = self;
        let entered = survey.enter(of, variants)?;
        let value = make(
            Probe {
                survey: &mut *survey,
                scope,
            },
            entered,
        );
        survey.leave(entered);
        value
    }

    /// A struct or a variant with named fields, by position. To offer the names as well would have the compiler make the
    /// other half of every derived implementation, for the sake of the few by hand that take nothing else.
    fn fields<'de, V: Visitor<'de>>(
        mut self,
        kind: Kind,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.sample::<V>(kind, 1)?;
        self.survey.record_names(fields);
        visitor.visit_seq(Elements {
            survey: self.survey,
            left: fields.len(),
        })
    }

    /// Entries under the names that were found missing; if none were, `others` under keys of the type's choice.
    fn entries(self, map: Identity, others: usize) -> Entries<'s> {
        let fields = self.survey.fields(map);
        let others = if fields.is_empty() { others } else { 0 };
        Entries {
            survey: self.survey,
            map,
            fields: fields.into_iter(),
            others,
            key: None,
        }
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $kind:ident $number:ty;)*) => {
        $(fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
            let sample = NUMBERS[self.sample::<V>(Kind::$kind, NUMBERS.len())? % NUMBERS.len()];
            visitor.$visit(<$number>::try_from(sample).unwrap_or(1))
        })*
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Refusal;

    numbers! {
        deserialize_i8 visit_i8 I8 i8;
        deserialize_i16 visit_i16 I16 i16;
        deserialize_i32 visit_i32 I32 i32;
        deserialize_i64 visit_i64 I64 i64;
        deserialize_i128 visit_i128 I128 i128;
        deserialize_u8 visit_u8 U8 u8;
        deserialize_u16 visit_u16 U16 u16;
        deserialize_u32 visit_u32 U32 u32;
        deserialize_u64 visit_u64 U64 u64;
        deserialize_u128 visit_u128 U128 u128;
    }

    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.sample::<V>(Kind::Bool, 2)?;
        visitor.visit_bool(sample == 0)
    }

    fn deserialize_f32<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.sample::<V>(Kind::F32, NUMBERS.len())?;
        visitor.visit_f32(f32::from(NUMBERS[sample % NUMBERS.len()]))
    }

    fn deserialize_f64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.sample::<V>(Kind::F64, NUMBERS.len())?;
        visitor.visit_f64(f64::from(NUMBERS[sample % NUMBERS.len()]))
    }

    fn deserialize_char<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.sample::<V>(Kind::Char, CHARS.len())?;
        visitor.visit_char(CHARS[sample % CHARS.len()])
    }

    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.sample::<V>(Kind::Text, TEXTS.len())?;
        visitor.visit_borrowed_str(TEXTS[sample % TEXTS.len()])
    }

    fn deserialize_string<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.sample::<V>(Kind::Text, TEXTS.len())?;
        visitor.visit_string(TEXTS[sample % TEXTS.len()].to_owned())
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.sample::<V>(Kind::Bytes, BYTE_LENGTHS.len())?;
        visitor.visit_bytes(&BYTES[..BYTE_LENGTHS[sample % BYTE_LENGTHS.len()]])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.sample::<V>(Kind::Bytes, BYTE_LENGTHS.len())?;
        visitor.visit_byte_buf(BYTES[..BYTE_LENGTHS[sample % BYTE_LENGTHS.len()]].to_vec())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.composite(Identity::of::<V>(Kind::Option), 0, |probe, entered| {
            probe.survey.record(Kind::Option)?;
            match entered {
                Entered::New => visitor.visit_some(probe),
                Entered::Again => visitor.visit_none(),
            }
        })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.survey.record(Kind::Unit)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.composite(Identity::of::<V>(Kind::Newtype), 0, |probe, _| {
            probe.survey.record(Kind::Newtype)?;
            visitor.visit_newtype_struct(probe)
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.composite(Identity::of::<V>(Kind::Seq), 0, |mut probe, entered| {
            let (kind, lengths) = match entered {
                Entered::New => (Kind::Seq, LENGTHS),
                Entered::Again => (Kind::Short, SHORT_LENGTHS),
            };
            let left = lengths[probe.sample::<V>(kind, lengths.len())? % lengths.len()];
            visitor.visit_seq(Elements {
                survey: probe.survey,
                left,
            })
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.composite(Identity::of::<V>(Kind::Tuple), 0, |probe, _| {
            probe.survey.record(Kind::Tuple)?;
            probe.survey.record_count(count(length));
            visitor.visit_seq(Elements {
                survey: probe.survey,
                left: length,
            })
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let map = Identity::at::<V>(Kind::Map, self.scope);
        self.composite(Identity::of::<V>(Kind::Map), 0, |mut probe, entered| {
            let refused_one = probe.sample::<V>(Kind::Map, 2)? == 1;
            let one = (entered == Entered::New) != refused_one;
            visitor.visit_map(probe.entries(map, usize::from(one)))
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.composite(Identity::of::<V>(Kind::Struct), 0, |probe, _| {
            probe.fields(Kind::Struct, fields, visitor)
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let of = Identity::of::<V>(Kind::Enum);
        self.composite(of, variants.len(), |probe, entered| {
            probe.survey.record(Kind::Enum)?;
            probe.survey.record_names(variants);
            let variant = match entered {
                Entered::New => probe.survey.choose(of, variants.len()),
                Entered::Again => probe.survey.smallest(of),
            };
            probe.survey.record_count(count(variant));
            visitor.visit_enum(Variant {
                probe,
                name: variants.get(variant).copied().unwrap_or_default(),
            })
        })
    }

    fn deserialize_identifier<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        let identifier = Identity::at::<V>(Kind::Identifier, self.scope);
        self.sample::<V>(Kind::Identifier, 1)?;
        match self.survey.names(identifier) {
            Some(names) => {
                self.survey.record_names(names);
                let chosen = self.survey.choose(identifier, names.len());
                self.survey.record_count(count(chosen));
                visitor.visit_borrowed_str(names.get(chosen).copied().unwrap_or_default())
            }
            None => visitor.visit_borrowed_str(""),
        }
    }

    /// The type takes what it is given. Maps come first: they show which fields are missing.
    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        let map = Identity::at::<V>(Kind::Map, self.scope);
        match self.sample::<V>(Kind::Any, 7)? {
            0 => visitor.visit_map(self.entries(map, 0)),
            1 => visitor.visit_borrowed_str("a"),
            2 => visitor.visit_u64(1),
            3 => visitor.visit_bool(true),
            4 => visitor.visit_f64(1.0),
            5 => visitor.visit_unit(),
            _ => visitor.visit_seq(Elements {
                survey: self.survey,
                left: 0,
            }),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.survey.record(Kind::Ignored)?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        self.survey.human_readable
    }
}

impl<'de> VariantAccess<'de> for Probe<'_> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        self.survey.record(Kind::UnitVariant)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Refusal> {
        self.survey.record(Kind::NewtypeVariant)?;
        seed.deserialize(Probe::of::<S::Value>(self.survey))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.survey.record(Kind::TupleVariant)?;
        self.survey.record_count(count(length));
        visitor.visit_seq(Elements {
            survey: self.survey,
            left: length,
        })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.fields(Kind::StructVariant, fields, visitor)
    }
}

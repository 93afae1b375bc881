//! What a probe hands to types that read several parts: elements, entries, variants.

use std::any::type_name;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess};

use super::probe::Probe;
use super::survey::Survey;
use super::terms::{Identity, Refusal};

/// So many elements, of whatever the type asks for.
pub(super) struct Elements<'s> {
    pub(super) survey: &'s mut Survey,
    pub(super) left: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refusal> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(Probe::of::<S::Value>(self.survey)).map(Some)
    }
}

/// Entries under known names, then some under keys that the type makes of samples.
pub(super) struct Entries<'s> {
    pub(super) survey: &'s mut Survey,
    pub(super) map: Identity,
    pub(super) fields: std::vec::IntoIter<&'static str>,
    pub(super) others: usize,
    /// The name of the value that comes next.
    pub(super) key: Option<&'static str>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refusal> {
        self.key = self.fields.next();
        if let Some(name) = self.key {
            self.survey.record_names(&[name]);
            return seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some);
        }
        if self.others == 0 {
            self.survey.map_ended(self.map);
            return Ok(None);
        }
        self.others -= 1;
        seed.deserialize(Probe::of::<S::Value>(self.survey)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refusal> {
        let scope = self.key.unwrap_or(type_name::<S::Value>());
        seed.deserialize(Probe {
            survey: self.survey,
            scope,
        })
    }
}

/// One variant of an enum.
pub(super) struct Variant<'s> {
    pub(super) probe: Probe<'s>,
    pub(super) name: &'static str,
}

impl<'de, 's> EnumAccess<'de> for Variant<'s> {
    type Error = Refusal;
    type Variant = Probe<'s>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Probe<'s>), Refusal> {
        let variant = seed.deserialize(BorrowedStrDeserializer::new(self.name))?;
        Ok((variant, self.probe))
    }
}

//! The codec `json`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bounds::{decoding, encoding};
use super::guard::{Guard, Limits};
use crate::Error;

pub(super) fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    serde_json::to_writer(out, value).map_err(|cause| encoding("json", cause))
}

pub(super) fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Error> {
    let mut source = serde_json::Deserializer::from_slice(payload);
    let limits = Limits::of(payload);
    let value = T::deserialize(Guard::new(&mut source, &limits)).map_err(|cause| decoding("json", cause))?;
    source.end().map_err(|cause| decoding("json", cause))?;
    Ok(value)
}

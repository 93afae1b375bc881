//! The codec `messagepack`, with structs as maps by field name: as arrays, a field that is skipped when written would
//! shift the others.

use rmp_serde::Deserializer;
use rmp_serde::decode::Error as Unreadable;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bounds::{decoding, encoding};
use super::fault::Fault;
use super::guard::{Guard, Limits};
use crate::Error;

pub(super) fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    rmp_serde::encode::write_named(out, value).map_err(|cause| encoding("messagepack", cause))
}

pub(super) fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Error> {
    let mut source = Deserializer::from_read_ref(payload);
    let limits = Limits::of(payload);
    let value =
        T::deserialize(Guard::new(&mut source, &limits)).map_err(|cause| decoding("messagepack", cause))?;
    // The crate does not say how much is left; a read of one more marker fails in just this way at the end.
    match u8::deserialize(&mut source) {
        Err(Unreadable::InvalidMarkerRead(_)) => Ok(value),
        _ => Err(decoding("messagepack", Fault::new("bytes are left over"))),
    }
}

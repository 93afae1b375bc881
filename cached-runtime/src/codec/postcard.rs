//! The codec `postcard`: the wire format of postcard 1, without flavours.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::binary::{self, Format};
use super::bounds::{decoding, encoding};
use super::fault::Fault;
use crate::Error;

struct Postcard;

impl Format for Postcard {
    #[inline]
    fn take<'de, P: Deserialize<'de>>(bytes: &'de [u8]) -> Result<(P, usize), Fault> {
        let (part, rest) = ::postcard::take_from_bytes(bytes).map_err(Fault::new)?;
        Ok((part, bytes.len() - rest.len()))
    }

    #[inline]
    fn put<P: Serialize + ?Sized>(part: &P, out: &mut Vec<u8>) -> Result<(), Fault> {
        ::postcard::to_io(part, out).map(|_out| ()).map_err(Fault::new)
    }
}

pub(super) fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    binary::write::<Postcard, T>(value, out).map_err(|cause| encoding("postcard", cause))
}

pub(super) fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Error> {
    binary::read::<Postcard, T>(payload).map_err(|cause| decoding("postcard", cause))
}

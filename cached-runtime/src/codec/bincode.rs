//! The codec `bincode`: the standard configuration of bincode 2 (little-endian, variable-length integers).

use ::bincode::config;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::binary::{self, Format};
use super::bounds::{decoding, encoding};
use super::fault::Fault;
use crate::Error;

struct Bincode;

impl Format for Bincode {
    #[inline]
    fn take<'de, P: Deserialize<'de>>(bytes: &'de [u8]) -> Result<(P, usize), Fault> {
        ::bincode::serde::borrow_decode_from_slice(bytes, config::standard()).map_err(Fault::new)
    }

    #[inline]
    fn put<P: Serialize + ?Sized>(part: &P, out: &mut Vec<u8>) -> Result<(), Fault> {
        ::bincode::serde::encode_into_std_write(part, out, config::standard())
            .map(|_written| ())
            .map_err(Fault::new)
    }
}

pub(super) fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    binary::write::<Bincode, T>(value, out).map_err(|cause| encoding("bincode", cause))
}

pub(super) fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Error> {
    binary::read::<Bincode, T>(payload).map_err(|cause| decoding("bincode", cause))
}

//! Values as bytes, for remote tiers.
//!
//! Called by the tiers that keep bytes; memory tiers keep the typed value and never come here. Knows nothing of
//! functions, stores, clocks or policies: a value, a header and a buffer are all it sees.
//!
//! * a codec turns a value into a payload and back (one file each),
//! * [`shape`] fingerprints a type, so that a payload of another shape is a miss and not a misreading,
//! * [`envelope`] puts both together with what the entry needs to be judged by its reader.
//!
//! Bytes that come back from a store are never trusted. Whatever they hold, decoding ends in a value or an error, in
//! time and memory proportional to their number, at a bounded depth of the stack.

#[cfg(any(feature = "bincode", feature = "postcard"))]
mod binary;
#[cfg(feature = "bincode")]
mod bincode;
#[cfg(any(
    feature = "bincode",
    feature = "postcard",
    feature = "messagepack",
    feature = "json"
))]
mod bounds;
pub(crate) mod envelope;
#[cfg(any(feature = "bincode", feature = "postcard", feature = "messagepack"))]
mod fault;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
#[cfg(any(feature = "messagepack", feature = "json"))]
mod guard;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "messagepack")]
mod messagepack;
#[cfg(feature = "postcard")]
mod postcard;
pub(crate) mod shape;
#[cfg(test)]
#[cfg(all(
    feature = "bincode",
    feature = "postcard",
    feature = "messagepack",
    feature = "json"
))]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// How the value of an entry becomes bytes in remote tiers. The default of a cached function is `bincode`.
///
/// Every entry says which codec wrote it, so a deployment may change codec without a flush, as long as the old one
/// stays compiled in.
///
/// `bincode` and `postcard` write no names and so need every field to be there: a value with a field left out by
/// `skip_serializing_if` is refused when encoded, and types that ask the bytes what they hold (`flatten`, `untagged`,
/// internally tagged enums, `serde_json::Value`) cannot be read back. `messagepack` and `json` write names and have
/// neither limit, but both read `Some(None)` back as `None`, and JSON has no `NaN`.
///
/// Values nested more than 128 levels deep are not read back, under any codec; a field, an element, a `Some` and a newtype
/// are a level each. Nor are values with more than 4096 elements that take no bytes, such as `()`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Codec {
    /// Small and fast, without names. Feature `bincode`, on by default.
    #[cfg(feature = "bincode")]
    Bincode,
    /// A little smaller, without names. Feature `postcard`.
    #[cfg(feature = "postcard")]
    Postcard,
    /// With names, binary. Feature `messagepack`.
    #[cfg(feature = "messagepack")]
    MessagePack,
    /// With names, as text that other programs can read. Feature `json`.
    #[cfg(feature = "json")]
    Json,
}

impl Codec {
    /// What functions use that name none: `bincode`, where it is compiled in.
    pub(crate) const DEFAULT: Option<Self> = {
        #[cfg(feature = "bincode")]
        {
            Some(Self::Bincode)
        }
        #[cfg(not(feature = "bincode"))]
        {
            None
        }
    };
}

/// One line per codec: its variant, its name in attributes, its number in envelopes (never reused) and its module.
macro_rules! codecs {
    ($($feature:literal $variant:ident $name:literal $id:literal $module:ident;)*) => {
        impl Codec {
            /// The codec of this name, if its feature is on: `"bincode"`, `"postcard"`, `"messagepack"` or `"json"`.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $(#[cfg(feature = $feature)] $name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name, as in `codec = "..."`.
            pub fn name(self) -> &'static str {
                match self { $(#[cfg(feature = $feature)] Self::$variant => $name,)* }
            }

            /// The number by which envelopes know this codec.
            pub(crate) fn id(self) -> u8 {
                match self { $(#[cfg(feature = $feature)] Self::$variant => $id,)* }
            }

            /// The codec of this number, if its feature is on.
            pub(crate) fn from_id(id: u8) -> Option<Self> {
                match id {
                    $(#[cfg(feature = $feature)] $id => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Appends `value` to `out`. After an error `out` may hold a part of it.
            #[cfg_attr(not(any($(feature = $feature),*)), expect(unused_variables, clippy::ptr_arg, reason = "no codec, no value of Self"))]
            pub(crate) fn encode<T: Serialize>(self, value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
                match self { $(#[cfg(feature = $feature)] Self::$variant => $module::encode(value, out),)* }
            }

            /// The value whose encoding `payload` is, all of it.
            #[cfg_attr(not(any($(feature = $feature),*)), expect(unused_variables, reason = "no codec, no value of Self"))]
            pub(crate) fn decode<T: DeserializeOwned>(self, payload: &[u8]) -> Result<T, Error> {
                match self { $(#[cfg(feature = $feature)] Self::$variant => $module::decode(payload),)* }
            }
        }
    };
}

codecs! {
    "bincode" Bincode "bincode" 1 bincode;
    "postcard" Postcard "postcard" 2 postcard;
    "messagepack" MessagePack "messagepack" 3 messagepack;
    "json" Json "json" 4 json;
}

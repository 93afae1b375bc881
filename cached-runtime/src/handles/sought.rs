//! Which entry of a cache is meant, in a list of many.

use std::sync::Arc;

use super::{Cache, Entry, astray};
use crate::behind::BehindEntry;
use crate::caches::function::Function;
use crate::key::{KeyBuf, KeyBytes, KeyPart};
use crate::{Error, ErrorKind};

/// What says which entry of a `Cache<V>` is meant where many are: of a cache that was made by name its key, anything that is a
/// [`KeyPart`]; of any cache an entry of it, such as `get_user_entry(42)` of a cached function. Nobody else can implement
/// this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no entry of a `Cache<{V}>`",
    label = "neither a `KeyPart` nor an entry",
    note = "a key is an integer, a string, a tuple of such; a type of your own gets `#[derive(KeyPart)]`; instead of a float pass its `to_bits()`",
    note = "the entries of a cached function are made by its companion: `get_user_entry(42)`"
)]
pub trait EntryOf<V> {
    /// The key, where it is one.
    #[doc(hidden)]
    fn key(&self, key: &mut KeyBuf);

    /// The entry, where it is one.
    #[doc(hidden)]
    fn as_entry(&self) -> Option<&Entry<V>>;
}

#[diagnostic::do_not_recommend]
impl<P: KeyPart, V> EntryOf<V> for P {
    fn key(&self, key: &mut KeyBuf) {
        key.part(self);
    }

    fn as_entry(&self) -> Option<&Entry<V>> {
        None
    }
}

impl<V> EntryOf<V> for Entry<V> {
    fn key(&self, _: &mut KeyBuf) {}

    fn as_entry(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<V> EntryOf<V> for BehindEntry<V> {
    fn key(&self, _: &mut KeyBuf) {}

    fn as_entry(&self) -> Option<&Entry<V>> {
        Some(self)
    }
}

/// Where it is.
pub(super) type Place = (Arc<Function>, KeyBytes);

impl<V> Cache<V> {
    pub(super) fn place(&self, sought: &impl EntryOf<V>) -> Result<Place, Error> {
        let whole = self.whole();
        let Some(entry) = sought.as_entry() else {
            if whole.site.is_some() {
                return Err(astray(&whole.function));
            }
            let mut key = KeyBuf::new();
            sought.key(&mut key);
            return Ok((Arc::clone(&whole.function), KeyBytes::from(key.as_bytes())));
        };
        entry.check_key()?;
        let (function, key) = entry.parts();
        let is_one = |own: &Arc<Function>| Arc::ptr_eq(own, function);
        // Of a generic function there are several.
        if !is_one(&whole.function) && !whole.functions().iter().any(is_one) {
            let (own, other) = (&whole.function.name, &function.name);
            let what = if own == other {
                format!(
                    "an entry of `{own}` was made in another `Caches` than the cache that is asked for it"
                )
            } else {
                format!("an entry of `{other}` is none of the cache `{own}`")
            };
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        Ok((Arc::clone(function), KeyBytes::from(key.as_bytes())))
    }
}

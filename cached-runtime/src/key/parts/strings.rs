//! Text.

use std::borrow::Cow;

use crate::key::{KeyPart, KeyWriter, Written};

impl KeyPart for str {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        key.text(self)
    }
}

impl KeyPart for String {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        key.text(self)
    }
}

impl KeyPart for char {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        key.text(self.encode_utf8(&mut [0; 4]))
    }
}

impl<B: ToOwned + KeyPart + ?Sized> KeyPart for Cow<'_, B> {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        (**self).write(key)
    }
}

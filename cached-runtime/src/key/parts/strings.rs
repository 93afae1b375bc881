//! Text.

use std::borrow::Cow;

use crate::key::{KeyPart, KeyWriter, Written};

#[diagnostic::do_not_recommend]
impl KeyPart for str {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        key.text(self)
    }
}

#[diagnostic::do_not_recommend]
impl KeyPart for String {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        key.text(self)
    }
}

#[diagnostic::do_not_recommend]
impl KeyPart for char {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        key.text(self.encode_utf8(&mut [0; 4]))
    }
}

#[diagnostic::do_not_recommend]
impl<B: ToOwned + KeyPart + ?Sized> KeyPart for Cow<'_, B> {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        (**self).write(key)
    }
}

//! What points at a part is that part; `Option` is one or none.

use std::rc::Rc;
use std::sync::Arc;

use crate::key::{KeyPart, KeyWriter, Written};

macro_rules! pointers {
    ($($pointer:ty),+) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: KeyPart + ?Sized> KeyPart for $pointer {
            #[inline]
            fn write(&self, key: KeyWriter<'_>) -> Written {
                (**self).write(key)
            }

            #[inline]
            fn __number(&self) -> Option<u64> {
                (**self).__number()
            }
        }
    )+};
}

pointers!(&T, Box<T>, Rc<T>, Arc<T>);

#[diagnostic::do_not_recommend]
impl<T: KeyPart> KeyPart for Option<T> {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        match self {
            Some(part) => key.some(part),
            None => key.none(),
        }
    }
}

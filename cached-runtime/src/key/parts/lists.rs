//! Sequences: lists of one type, in an order that belongs to their meaning, and tuples.

use std::collections::{BTreeSet, VecDeque};
use std::marker::PhantomData;

use crate::key::{KeyPart, KeyWriter, Written};

fn write_all<'a, T: KeyPart + 'a>(items: impl IntoIterator<Item = &'a T>, key: KeyWriter<'_>) -> Written {
    key.sequence(|seq| {
        for item in items {
            seq.part(item);
        }
    })
}

#[diagnostic::do_not_recommend]
impl<T: KeyPart> KeyPart for [T] {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        write_all(self, key)
    }
}

#[diagnostic::do_not_recommend]
impl<T: KeyPart, const N: usize> KeyPart for [T; N] {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        write_all(self, key)
    }
}

#[diagnostic::do_not_recommend]
impl<T: KeyPart> KeyPart for Vec<T> {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        write_all(self, key)
    }
}

#[diagnostic::do_not_recommend]
impl<T: KeyPart> KeyPart for VecDeque<T> {
    fn write(&self, key: KeyWriter<'_>) -> Written {
        write_all(self, key)
    }
}

/// In ascending order, so that equal sets write the same.
#[diagnostic::do_not_recommend]
impl<T: KeyPart> KeyPart for BTreeSet<T> {
    fn write(&self, key: KeyWriter<'_>) -> Written {
        write_all(self, key)
    }
}

/// `()`: it has one value. Here for ids such as `struct Id<T>(u64, PhantomData<T>)`.
#[diagnostic::do_not_recommend]
impl<T: ?Sized> KeyPart for PhantomData<T> {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        key.part(&())
    }
}

#[diagnostic::do_not_recommend]
impl KeyPart for () {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        key.sequence(|_| ())
    }
}

macro_rules! tuples {
    ($($(($name:ident $index:tt))+;)+) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($name: KeyPart),+> KeyPart for ($($name,)+) {
            #[inline]
            fn write(&self, key: KeyWriter<'_>) -> Written {
                key.sequence(|seq| {
                    $(seq.part(&self.$index);)+
                })
            }
        }
    )+};
}

tuples! {
    (A 0);
    (A 0)(B 1);
    (A 0)(B 1)(C 2);
    (A 0)(B 1)(C 2)(D 3);
    (A 0)(B 1)(C 2)(D 3)(E 4);
    (A 0)(B 1)(C 2)(D 3)(E 4)(F 5);
    (A 0)(B 1)(C 2)(D 3)(E 4)(F 5)(G 6);
    (A 0)(B 1)(C 2)(D 3)(E 4)(F 5)(G 6)(H 7);
    (A 0)(B 1)(C 2)(D 3)(E 4)(F 5)(G 6)(H 7)(I 8);
    (A 0)(B 1)(C 2)(D 3)(E 4)(F 5)(G 6)(H 7)(I 8)(J 9);
    (A 0)(B 1)(C 2)(D 3)(E 4)(F 5)(G 6)(H 7)(I 8)(J 9)(K 10);
    (A 0)(B 1)(C 2)(D 3)(E 4)(F 5)(G 6)(H 7)(I 8)(J 9)(K 10)(L 11);
}

//! What a companion accepts for a key argument.

use super::{KeyPart, KeyWriter, Written};

/// Stands for a key argument declared as `T` (or as a reference to `T`): the value itself, a reference to it, and for
/// strings and lists their borrowed forms. Nothing of another type, so that `user_entry(order_id)` is caught wherever
/// the two ids have types of their own.
///
/// Literals take the type of the argument: `41` and `&41` are `u64`s, `None` is an `Option<u64>`, `&[1, 2]` a list.
///
/// ```
/// use cached_runtime::KeyArg;
///
/// // As a companion of `async fn get_user(id: u64)` takes it.
/// fn get_user_entry(id: impl KeyArg<u64>) {}
///
/// get_user_entry(41);
/// get_user_entry(&41);
/// ```
///
/// ```compile_fail,E0277
/// # use cached_runtime::KeyArg;
/// # fn get_user_entry(id: impl KeyArg<u64>) {}
/// get_user_entry("41");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand for a key argument of type `{T}`",
    label = "expected `{T}` or a reference to it",
    note = "the key must be the one that the cached function computes from this argument: pass a value of its type",
    note = "an argument that the cached function skips is not passed at all"
)]
pub trait KeyArg<T: ?Sized> {
    /// Writes the same value as the argument itself would.
    #[doc(hidden)]
    fn write_arg(&self, key: KeyWriter<'_>, seal: Seal) -> Written;
}

/// Cannot be named outside this module, so no other type can be made to stand for an argument.
#[doc(hidden)]
pub struct Seal(());

#[inline]
pub(super) fn write<T: ?Sized, A: KeyArg<T>>(arg: &A, key: KeyWriter<'_>) -> Written {
    arg.write_arg(key, Seal(()))
}

/// `[generics] Argument: Stand, Stand, ...;`
macro_rules! stands_for {
    ($($generics:tt $argument:ty: $($stand:ty),+;)+) => {
        $($(stands_for!(@one $generics $argument, $stand);)+)+
    };
    (@one [$($generics:tt)*] $argument:ty, $stand:ty) => {
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> KeyArg<$argument> for $stand {
            #[inline]
            fn write_arg(&self, key: KeyWriter<'_>, _: Seal) -> Written {
                key.part(self)
            }
        }
    };
}

stands_for! {
    [T: KeyPart] T: T;
    [T: KeyPart + ?Sized] T: &T, &&T;
    [] str: String, &String, &&String;
    [] String: &str, &&str;
    [T: KeyPart] [T]: Vec<T>, &Vec<T>, &&Vec<T>;
    [T: KeyPart] Vec<T>: &[T], &&[T];
    [T: KeyPart, const N: usize] [T]: [T; N], &[T; N], &&[T; N];
    [T: KeyPart, const N: usize] Vec<T>: [T; N], &[T; N], &&[T; N];
}

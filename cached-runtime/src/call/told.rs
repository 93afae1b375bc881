//! The words of an error whose type may have any.

use std::any::type_name;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;

/// Finds them by method look-up: of the methods named `words` the one on the fewest references wins.
pub struct Told<E>(PhantomData<fn(&E)>);

impl<E> Told<E> {
    /// Where a look-up begins.
    pub const NEW: Self = Self(PhantomData);
}

/// Wins for what displays itself.
pub trait ToldByDisplay<E> {
    /// Its words.
    fn words(&self) -> fn(&E) -> String;
}

impl<E: Display> ToldByDisplay<E> for &&Told<E> {
    fn words(&self) -> fn(&E) -> String {
        |error| error.to_string()
    }
}

/// Wins for the rest of what has `Debug`.
pub trait ToldByDebug<E> {
    /// Its words.
    fn words(&self) -> fn(&E) -> String;
}

impl<E: Debug> ToldByDebug<E> for &Told<E> {
    fn words(&self) -> fn(&E) -> String {
        |error| format!("{error:?}")
    }
}

/// Is left for everything else.
pub trait ToldByType<E> {
    /// The name of its type.
    fn words(&self) -> fn(&E) -> String;
}

impl<E> ToldByType<E> for Told<E> {
    fn words(&self) -> fn(&E) -> String {
        |_| type_name::<E>().to_owned()
    }
}

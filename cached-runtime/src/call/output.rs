//! What a cached function returns, and what of it is kept.
//!
//! Four shapes: `T`, `Option<T>`, `Result<T, E>`, `Result<Option<T>, E>`. One trait with one implementation a shape,
//! kept apart by a number, since the shapes overlap as types. The number is found from the type: for an expression by
//! method look-up ([`Probe`]), for a signature by associated constants ([`Kind`]).

use std::marker::PhantomData;

/// What a run of the body came to, and how to make a returned thing of it again. The error is apart from the rest:
/// it may be one that must not cross threads, and so must be out of sight while a value is stored.
pub(crate) type Outcome<R, V, E> = Result<Loaded<R, V>, (E, fn(E) -> R)>;

/// What a run of the body brought.
pub enum Loaded<R, V> {
    /// A value.
    Value(V),
    /// The source said that there is none.
    Absent(fn() -> R),
}

impl<R, V> Loaded<R, V> {
    /// The returned thing again.
    pub(crate) fn returned<const K: u8>(self) -> R
    where
        R: Output<K, Value = V>,
    {
        match self {
            Self::Value(value) => R::from_value(value),
            Self::Absent(absent) => absent(),
        }
    }
}

/// A return type in one of the four shapes.
pub trait Output<const K: u8>: Sized {
    /// What is kept.
    type Value;
    /// What is not.
    type Error;

    /// Takes the returned thing apart.
    fn split(self) -> Outcome<Self, Self::Value, Self::Error>;
    /// A returned thing made of a kept value.
    fn from_value(value: Self::Value) -> Self;
    /// A returned thing that says there is none, where the shape can.
    fn absent() -> Option<Self>;
    /// A returned thing made of an error, where the shape can.
    fn from_error(error: Self::Error) -> Option<Self>;
}

/// The error of what cannot fail.
pub enum Never {}

impl<T> Output<0> for T {
    type Value = T;
    type Error = Never;

    fn split(self) -> Outcome<Self, T, Never> {
        Ok(Loaded::Value(self))
    }

    #[inline]
    fn from_value(value: T) -> Self {
        value
    }

    fn absent() -> Option<Self> {
        None
    }

    fn from_error(error: Never) -> Option<Self> {
        match error {}
    }
}

impl<T> Output<1> for Option<T> {
    type Value = T;
    type Error = Never;

    fn split(self) -> Outcome<Self, T, Never> {
        Ok(self.map_or(Loaded::Absent(|| None), Loaded::Value))
    }

    #[inline]
    fn from_value(value: T) -> Self {
        Some(value)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn from_error(error: Never) -> Option<Self> {
        match error {}
    }
}

impl<T, E> Output<2> for Result<T, E> {
    type Value = T;
    type Error = E;

    fn split(self) -> Outcome<Self, T, E> {
        // Not by `map`: that is two functions more to compile for every type.
        match self {
            Ok(value) => Ok(Loaded::Value(value)),
            Err(error) => Err((error, Err)),
        }
    }

    #[inline]
    fn from_value(value: T) -> Self {
        Ok(value)
    }

    fn absent() -> Option<Self> {
        None
    }

    fn from_error(error: E) -> Option<Self> {
        Some(Err(error))
    }
}

impl<T, E> Output<3> for Result<Option<T>, E> {
    type Value = T;
    type Error = E;

    fn split(self) -> Outcome<Self, T, E> {
        match self {
            Ok(Some(value)) => Ok(Loaded::Value(value)),
            Ok(None) => Ok(Loaded::Absent(|| Ok(None))),
            Err(error) => Err((error, Err)),
        }
    }

    #[inline]
    fn from_value(value: T) -> Self {
        Ok(Some(value))
    }

    fn absent() -> Option<Self> {
        Some(Ok(None))
    }

    fn from_error(error: E) -> Option<Self> {
        Some(Err(error))
    }
}

/// A return type and the number of its shape, as a value.
pub struct Shape<R, const K: u8>(PhantomData<fn() -> R>);

impl<R, const K: u8> Clone for Shape<R, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, const K: u8> Copy for Shape<R, K> {}

impl<R, const K: u8> Shape<R, K> {
    pub(crate) const NEW: Self = Self(PhantomData);
}

impl<R: Output<K>, const K: u8> Shape<R, K> {
    /// Where the way to share values is looked up.
    pub fn values(self) -> crate::kept::WayProbe<R::Value> {
        crate::kept::WayProbe::NEW
    }

    /// Where the words of the error are looked up.
    pub fn failures(self) -> super::told::Told<R::Error> {
        super::told::Told::NEW
    }

    /// Where the way to share the error is looked up.
    pub fn errors(self) -> super::share::ErrorProbe<R::Error> {
        super::share::ErrorProbe::NEW
    }
}

/// Finds the shape of a type by method look-up: of the methods named `shape` the one on the fewest references wins.
pub struct Probe<R>(PhantomData<fn() -> R>);

impl<R> Probe<R> {
    /// Where a look-up begins.
    pub const NEW: Self = Self(PhantomData);
}

/// Wins for `Result<Option<T>, E>`.
pub trait FallibleOptional<R> {
    /// The shape.
    fn shape(&self) -> Shape<R, 3>;
}

impl<T, E> FallibleOptional<Result<Option<T>, E>> for &&&Probe<Result<Option<T>, E>> {
    fn shape(&self) -> Shape<Result<Option<T>, E>, 3> {
        Shape::NEW
    }
}

/// Wins for the other `Result<T, E>`.
pub trait Fallible<R> {
    /// The shape.
    fn shape(&self) -> Shape<R, 2>;
}

impl<T, E> Fallible<Result<T, E>> for &&Probe<Result<T, E>> {
    fn shape(&self) -> Shape<Result<T, E>, 2> {
        Shape::NEW
    }
}

/// Wins for `Option<T>`.
pub trait Optional<R> {
    /// The shape.
    fn shape(&self) -> Shape<R, 1>;
}

impl<T> Optional<Option<T>> for &Probe<Option<T>> {
    fn shape(&self) -> Shape<Option<T>, 1> {
        Shape::NEW
    }
}

/// Is left for everything else.
pub trait Plain<R> {
    /// The shape.
    fn shape(&self) -> Shape<R, 0>;
}

impl<R> Plain<R> for Probe<R> {
    fn shape(&self) -> Shape<R, 0> {
        Shape::NEW
    }
}

/// Finds the number of a type's shape as a constant: inherent constants win over those of the trait.
pub struct Kind<R>(PhantomData<R>);
/// The same for what is inside an `Ok`.
pub struct KindOk<R>(PhantomData<R>);

impl<T> Kind<Option<T>> {
    /// `Option`.
    pub const OUTER: u8 = 1;
}

impl<T, E> Kind<Result<T, E>> {
    /// `Result`.
    pub const OUTER: u8 = 2;
}

impl<T, E> KindOk<Result<Option<T>, E>> {
    /// `Option` inside `Ok`.
    pub const INNER: u8 = 1;
}

/// What is left for everything else.
pub trait KindElse {
    /// Neither `Option` nor `Result`.
    const OUTER: u8 = 0;
    /// No `Option` inside.
    const INNER: u8 = 0;
}

impl<R> KindElse for Kind<R> {}
impl<R> KindElse for KindOk<R> {}

//! How the followers of a failed load get its error.
//!
//! The way is chosen by what the error type can do, found by method look-up where the function is expanded, so that
//! inside a generic function only declared bounds count. In this order: the function's own `share_error`; `Clone`; a
//! type that can be built around a shared error and shows what is inside (`anyhow::Error`, `Box<dyn Error + Send +
//! Sync>`); `From<LoadFailed>`. Where none applies the followers run for themselves.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::flight;

/// Makes a follower's error, if it has one for him. Called under a lock of its own ([`flight::Maker`]).
type Maker<E> = Box<dyn FnMut() -> Option<E> + Send>;

/// The user's `share_error`.
type Custom<E> = fn(&E) -> E;

/// Takes the leader's error apart: what the leader gets, and a [`Maker`] for so many followers.
type Divide<E> = fn(E, usize, Option<Custom<E>>) -> (E, Box<dyn Any + Send>);

/// How the error of one load reaches those who waited for it.
pub struct Share<E> {
    divide: Option<Divide<E>>,
    make: fn(&mut (dyn Any + Send)) -> Option<E>,
    custom: Option<Custom<E>>,
}

impl<E> Clone for Share<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Share<E> {}

impl<E> Share<E> {
    /// Not at all: the followers run for themselves.
    pub(crate) const NOT: Self = Self {
        divide: None,
        make: |_| None,
        custom: None,
    };

    /// Divides the error among the leader and so many followers; `Err` gives it back where it cannot be.
    pub(crate) fn divide(self, error: E, followers: usize) -> Result<(E, Box<dyn Any + Send>), E> {
        match self.divide {
            Some(divide) => Ok(divide(error, followers, self.custom)),
            None => Err(error),
        }
    }

    /// A follower's error; none for one who came when it had been divided.
    pub(crate) fn make(self, maker: &flight::Maker) -> Option<E> {
        (self.make)(&mut **maker.lock())
    }
}

impl<E: 'static> Share<E> {
    fn by(divide: Divide<E>) -> Self {
        Self {
            divide: Some(divide),
            make: |maker| maker.downcast_mut::<Maker<E>>().and_then(|make| make()),
            custom: None,
        }
    }
}

impl<E: Send + 'static> Share<E> {
    /// By the function's own `share_error`, called with the error itself, once for each who waits.
    pub fn custom(share: Custom<E>) -> Self {
        let by = Self::by(|error, followers, custom| {
            let made = |custom: Custom<E>| (0..followers).map(|_| custom(&error)).collect();
            let mut made: Vec<E> = custom.map(made).unwrap_or_default();
            (error, maker(move || made.pop()))
        });
        Self {
            custom: Some(share),
            ..by
        }
    }
}

fn maker<E: 'static>(make: impl FnMut() -> Option<E> + Send + 'static) -> Box<dyn Any + Send> {
    let make: Maker<E> = Box::new(make);
    Box::new(make)
}

/// Finds the way by method look-up: of the methods named `share` the one on the fewest references wins.
pub struct ErrorProbe<E>(PhantomData<fn() -> E>);

impl<E> ErrorProbe<E> {
    pub(crate) const NEW: Self = Self(PhantomData);
}

/// By `Clone`.
pub trait ByClone<E> {
    /// The way.
    fn share(&self) -> Share<E>;
}

impl<E: Clone + Send + 'static> ByClone<E> for &&&&&ErrorProbe<E> {
    fn share(&self) -> Share<E> {
        Share::by(|error: E, _, _| {
            let kept = error.clone();
            (error, maker(move || Some(kept.clone())))
        })
    }
}

/// By building around what is shared.
pub trait ByWrapping<E> {
    /// The way.
    fn share(&self) -> Share<E>;
}

impl<E> ByWrapping<E> for &&&&ErrorProbe<E>
where
    E: AsRef<dyn StdError + Send + Sync> + From<SharedError> + Send + Sync + 'static,
{
    fn share(&self) -> Share<E> {
        Share::by(|error: E, _, _| {
            let shared = SharedError(Arc::new(error));
            let leaders = E::from(shared.clone());
            (leaders, maker(move || Some(E::from(shared.clone()))))
        })
    }
}

/// By `From<LoadFailed>`, for an error with causes.
pub trait ByReport<E> {
    /// The way.
    fn share(&self) -> Share<E>;
}

impl<E: From<LoadFailed> + StdError + Send + 'static> ByReport<E> for &&&ErrorProbe<E> {
    fn share(&self) -> Share<E> {
        Share::by(|error: E, _, _| {
            let failed = LoadFailed::of(&error);
            (error, maker(move || Some(E::from(failed.clone()))))
        })
    }
}

/// By `From<LoadFailed>`, for what can only be displayed.
pub trait ByDisplay<E> {
    /// The way.
    fn share(&self) -> Share<E>;
}

impl<E: From<LoadFailed> + fmt::Display + 'static> ByDisplay<E> for &&ErrorProbe<E> {
    fn share(&self) -> Share<E> {
        Share::by(|error: E, _, _| {
            let failed = LoadFailed {
                message: error.to_string().into(),
            };
            (error, maker(move || Some(E::from(failed.clone()))))
        })
    }
}

/// By `From<LoadFailed>`, for what says nothing of itself.
pub trait ByNotice<E> {
    /// The way.
    fn share(&self) -> Share<E>;
}

impl<E: From<LoadFailed> + 'static> ByNotice<E> for &ErrorProbe<E> {
    fn share(&self) -> Share<E> {
        Share::by(|error: E, _, _| {
            let failed = LoadFailed {
                message: "the load that this call waited for failed".into(),
            };
            (error, maker(move || Some(E::from(failed.clone()))))
        })
    }
}

/// Is left for everything else: not at all.
pub trait NotAtAll<E> {
    /// The way.
    fn share(&self) -> Share<E>;
}

impl<E> NotAtAll<E> for ErrorProbe<E> {
    fn share(&self) -> Share<E> {
        Share::NOT
    }
}

/// The error of a load that several callers waited for, as one cause in an error of each.
///
/// It displays as the error it stands for and has it as its [`source`](StdError::source), so that
/// `error.chain()` of `anyhow` finds the original to downcast.
#[derive(Clone)]
pub struct SharedError(Arc<dyn AsRef<dyn StdError + Send + Sync> + Send + Sync>);

impl SharedError {
    fn get(&self) -> &(dyn StdError + Send + Sync + 'static) {
        (*self.0).as_ref()
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.get(), f)
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.get(), f)
    }
}

impl StdError for SharedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.get())
    }
}

/// The error of a load that several callers waited for, as text: the error and its causes.
///
/// An error type that can be made of it (`From<LoadFailed>`) is shared among all who waited for one load.
#[derive(Debug, Clone)]
pub struct LoadFailed {
    message: Arc<str>,
}

impl LoadFailed {
    fn of(error: &dyn StdError) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        Self {
            message: message.into(),
        }
    }

    /// The error and its causes, from the outside in, separated by `: `.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for LoadFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for LoadFailed {}

impl From<LoadFailed> for std::io::Error {
    fn from(failed: LoadFailed) -> Self {
        Self::other(failed)
    }
}

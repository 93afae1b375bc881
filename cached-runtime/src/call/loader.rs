//! A call with a loader in the place of an annotated function's body: what `get_or_load` and `get_or_reload` of an entry
//! do.

use std::future::Future;
use std::sync::Arc;

use super::again::reload;
use super::enter::{Enter, look_aging_at, look_at};
use super::output::{Output, Shape};
use super::owned::anew;
use super::run::{Run, Seen};
use super::share::Share;
use super::told::{Told, ToldByType};
use super::values::Ways;
use super::wait::{Turn, Wait};
use crate::Error;
use crate::caches::function::Function;
use crate::policy::Mode;
use crate::tier::memory::Probe;

/// What a loader of values `V` may return: `V`, `Option<V>`, `Result<V, E>` or `Result<Option<V>, E>`.
///
/// Which of them it is is found out by the compiler, since `V` is known; nobody else can implement this.
#[diagnostic::on_unimplemented(
    message = "a loader of a `Cache<{V}>` cannot return `{Self}`",
    label = "neither `{V}` nor an `Option`, a `Result` or a `Result<Option>` of it",
    note = "a cache keeps values of one type: return a `{V}`, an `Option` of it, or either of them in a `Result`"
)]
pub trait Loadable<V, const K: u8>: Output<K, Value = V> {
    /// What the caller gets: what the loader returns, in a `Result` of this crate's error where it cannot fail.
    type Answer;

    /// The same as the caller gets it.
    #[doc(hidden)]
    fn answer(self) -> Self::Answer;
}

impl<V> Loadable<V, 0> for V {
    type Answer = Result<V, Error>;

    fn answer(self) -> Self::Answer {
        Ok(self)
    }
}

impl<V> Loadable<V, 1> for Option<V> {
    type Answer = Result<Self, Error>;

    fn answer(self) -> Self::Answer {
        Ok(self)
    }
}

impl<V, E> Loadable<V, 2> for Result<V, E> {
    type Answer = Self;

    fn answer(self) -> Self {
        self
    }
}

impl<V, E> Loadable<V, 3> for Result<Option<V>, E> {
    type Answer = Self;

    fn answer(self) -> Self {
        self
    }
}

/// What is called where nothing is found: a closure that returns a future, an async closure or an async function, without
/// arguments. Everything that is `AsyncFnOnce() -> R` is one.
#[diagnostic::on_unimplemented(
    message = "expected a closure that returns a future, found `{Self}`",
    label = "no closure that returns a future",
    note = "write `|| async {{ .. }}`, or `|| load(id)` where `load` is an async function"
)]
pub trait Loader<R>: AsyncFnOnce() -> R {}

#[diagnostic::do_not_recommend]
impl<R, L: AsyncFnOnce() -> R> Loader<R> for L {}

/// Answers from the tiers or another caller's load, or runs `loader` in this task, as a call of an annotated function
/// does with its body.
pub(crate) async fn load<R, const K: u8>(
    function: &Arc<Function>,
    mode: Mode,
    probe: Probe<'_>,
    ways: fn() -> Ways<R::Value>,
    share: Share<R::Error>,
    loader: impl AsyncFnOnce() -> R,
) -> R
where
    R: Output<K>,
{
    let (start, ways) = match look_at(function, mode, ways().read, ways, probe) {
        Enter::Done(hit) => return hit,
        Enter::Wait(start, ways) => (start, ways),
    };
    match Wait::new(start, ways, Shape::NEW, share).await {
        Turn::Done(answer) => answer,
        Turn::Lead(lead) => {
            Run {
                lead,
                // Called where it is polled, so that what it does before its first await is the load's too.
                body: Box::pin(async move { loader().await }),
            }
            .await
        }
    }
}

/// The same with a loader that borrows nothing, and so can run in the background for a hit whose entry is due.
pub(crate) async fn load_aging<R, F, const K: u8>(
    function: &Arc<Function>,
    mode: Mode,
    probe: Probe<'_>,
    ways: fn() -> Ways<R::Value>,
    share: Share<R::Error>,
    loader: impl FnOnce() -> F + Send + 'static,
) -> R
where
    R: Output<K, Value: Send> + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let (found, due) = 'found: {
        let (start, ways) = match look_aging_at(function, mode, ways().read, ways, probe) {
            (Enter::Done(hit), due) => break 'found (hit, due),
            (Enter::Wait(start, ways), _) => (start, ways),
        };
        let lead = match Wait::new(start, ways, Shape::NEW, share).await {
            Turn::Done(answer) => break 'found (answer, None),
            Turn::Lead(lead) => lead,
        };
        let lead = match lead.look().await {
            Seen::Found(hit, due) => break 'found (hit, due),
            Seen::Nothing(lead) => lead,
        };
        return Run {
            lead,
            body: Box::pin(async move { loader().await }),
        }
        .await;
    };
    if let Some(due) = due {
        // Nothing is asked of the error, so it has no more to say than its type.
        let told = ToldByType::words(&Told::NEW);
        let body = anew(async move { loader().await });
        reload(due, Shape::NEW, share, told, body);
    }
    found
}

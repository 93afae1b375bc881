//! A call that memory could not answer, as one future.
//!
//! One, and not one for each thing that is waited for, so that the future of a call has little to it beside its arguments
//! and whoever awaits a hit can drop it without a call. Three layers, for the compiler's sake: [`Missed`] is made anew for
//! every function, [`Turns`] once for a return type; what needs no type is in `start`, `steps` and `load`, made once for all.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::output::{Output, Shape};
use super::run::Lead;
use super::share::Share;
use super::start::Start;
use super::values::Ways;
use super::wait::{Leading, Turn, Wait};

/// A call from where memory had no answer, to its end.
pub struct Missed<R: Output<K>, M, B, const K: u8> {
    /// Before the load, and so dropped before somebody else's begins.
    body: Body<M, B>,
    turns: Turns<R, K>,
}

/// The body's future, boxed, so that the future of a call that is answered without it stays small.
enum Body<M, B> {
    /// What makes it, and has the arguments until then.
    Awaited(M),
    Made(Pin<Box<B>>),
    /// What makes it has panicked.
    Lost,
}

/// What a body is to those who know of its function no more than what it returns.
trait Lazy<R> {
    /// The future, made when it is asked for first.
    fn future(&mut self) -> Option<Pin<&mut dyn Future<Output = R>>>;
}

impl<R, M, B> Lazy<R> for Body<M, B>
where
    M: FnOnce() -> Pin<Box<B>>,
    B: Future<Output = R>,
{
    fn future(&mut self) -> Option<Pin<&mut dyn Future<Output = R>>> {
        if let Self::Made(body) = self {
            return Some(body.as_mut());
        }
        if let Self::Awaited(make) = mem::replace(self, Self::Lost) {
            *self = Self::Made(make());
        }
        match self {
            Self::Made(body) => Some(body.as_mut()),
            _ => None,
        }
    }
}

/// What is waited for before the body and around it.
pub enum Turns<R: Output<K>, const K: u8> {
    /// For somebody else's load, or for the turn to lead.
    Wait(Box<Wait<R, K>>),
    /// For what the tiers below memory have. A way of its own, so that the many who wait for one load are small.
    Look(Box<Leading<R, K>>),
    /// For what this caller loads.
    Lead(Lead<R, K>),
}

/// Goes on from `start`. Compiled once for a return type.
#[cold]
#[inline(never)]
pub fn turns<R: Output<K>, const K: u8>(
    start: Start,
    ways: fn() -> Ways<R::Value>,
    shape: Shape<R, K>,
    share: Share<R::Error>,
) -> Turns<R, K> {
    let looks = start.looks_below();
    let wait = Wait::new(start, ways, shape, share);
    if looks {
        Turns::Look(Box::new(Leading::new(wait)))
    } else {
        Turns::Wait(Box::new(wait))
    }
}

impl<R: Output<K>, const K: u8> Turns<R, K> {
    fn poll(&mut self, body: &mut dyn Lazy<R>, context: &mut Context<'_>) -> Poll<R> {
        let turn = match self {
            Self::Wait(wait) => Some(ready!(Pin::new(wait).poll(context))),
            Self::Look(looking) => Some(ready!(looking.poll(context))),
            Self::Lead(_) => None,
        };
        match turn {
            Some(Turn::Done(answer)) => return Poll::Ready(answer),
            Some(Turn::Lead(lead)) => *self = Self::Lead(lead),
            None => {}
        }
        match (self, body.future()) {
            (Self::Lead(lead), Some(body)) => lead.poll(body, context),
            // Polled after it was ready, or after what makes the body has panicked: a mistake of the caller's.
            _ => Poll::Pending,
        }
    }
}

impl<R, M, B, const K: u8> Missed<R, M, B, K>
where
    R: Output<K>,
    M: FnOnce() -> Pin<Box<B>>,
    B: Future<Output = R>,
{
    /// A call that waits for its `turns`, and whose body `make` makes.
    #[inline]
    pub fn new(turns: Turns<R, K>, make: M) -> Self {
        let body = Body::Awaited(make);
        Self { body, turns }
    }
}

impl<R: Output<K>, M, B, const K: u8> Unpin for Missed<R, M, B, K> {}

impl<R, M, B, const K: u8> Future for Missed<R, M, B, K>
where
    R: Output<K>,
    M: FnOnce() -> Pin<Box<B>>,
    B: Future<Output = R>,
{
    type Output = R;

    #[cold]
    #[inline(never)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let this = self.get_mut();
        this.turns.poll(&mut this.body, context)
    }
}

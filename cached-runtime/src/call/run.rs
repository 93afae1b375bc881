//! A load, as a future: the tiers below memory, the body, the fill.
//!
//! Written by hand and in three layers, for the compiler's sake. [`Run`] is made anew for every function and does no
//! more than hand its body over; [`Steps`] is made once for a return type; what is awaited besides the body is made
//! once for all, in `load`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::enter::returned;
use super::load::{Keeping, Load, Look, Looking};
use super::output::{Loaded, Output};
use super::share::Share;
use super::values::Ways;
use crate::entry::Content;

/// A call whose turn it is to load.
pub struct Lead<R: Output<K>, const K: u8> {
    load: Box<Load>,
    share: Share<R::Error>,
    ways: Ways<R::Value>,
}

impl<R: Output<K>, const K: u8> Lead<R, K> {
    pub(super) fn new(load: Load, share: Share<R::Error>, ways: Ways<R::Value>) -> Self {
        Self {
            load: Box::new(load),
            share,
            ways,
        }
    }

    /// Looks in the tiers below memory, runs `body` if none of them answers, and stores what it brought.
    #[inline]
    pub fn run<B: Future<Output = R>>(self, body: Pin<Box<B>>) -> Run<R, B, K> {
        Run {
            steps: self.steps(),
            body,
        }
    }

    #[expect(
        clippy::unnecessary_box_returns,
        reason = "boxed here, in code that is compiled once for a return type and not for every function"
    )]
    fn steps(self) -> Box<Steps<R, K>> {
        Box::new(Steps {
            step: Step::Begin(self.load),
            share: self.share,
            ways: self.ways,
        })
    }
}

/// A load under way.
pub struct Run<R: Output<K>, B, const K: u8> {
    steps: Box<Steps<R, K>>,
    body: Pin<Box<B>>,
}

impl<R: Output<K>, B, const K: u8> Unpin for Run<R, B, K> {}

impl<R, B, const K: u8> Future for Run<R, B, K>
where
    R: Output<K>,
    B: Future<Output = R>,
{
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let this = &mut *self;
        this.steps.poll(this.body.as_mut(), context)
    }
}

struct Steps<R: Output<K>, const K: u8> {
    step: Step<R, R::Value>,
    share: Share<R::Error>,
    ways: Ways<R::Value>,
}

/// Where a load is. Nothing of an error is ever held here: it may not be able to cross threads.
enum Step<R, V> {
    Begin(Box<Load>),
    /// In the remote tiers.
    Look(Looking),
    Body(Box<Load>),
    /// Into the remote tiers.
    Keep(Keeping, Loaded<R, V>),
    /// Returned; polling again is a mistake of the caller's.
    Done,
}

impl<R: Output<K>, const K: u8> Steps<R, K> {
    fn poll(&mut self, mut body: Pin<&mut dyn Future<Output = R>>, context: &mut Context<'_>) -> Poll<R> {
        let ways = self.ways;
        let returned = |content: &Content| returned(content, ways.read);
        loop {
            self.step = match std::mem::replace(&mut self.step, Step::Done) {
                Step::Begin(load) => match load.look(R::absent().is_some()) {
                    Look::Now(mut load, found) => match found.as_ref().and_then(&returned) {
                        Some(hit) => return Poll::Ready(hit),
                        None => {
                            load.begin();
                            Step::Body(load)
                        }
                    },
                    Look::Later(looking) => Step::Look(looking),
                },
                Step::Look(mut looking) => match looking.as_mut().poll(context) {
                    Poll::Ready((mut load, found)) => match found.as_ref().and_then(&returned) {
                        Some(hit) => return Poll::Ready(hit),
                        None => {
                            load.begin();
                            Step::Body(load)
                        }
                    },
                    Poll::Pending => {
                        self.step = Step::Look(looking);
                        return Poll::Pending;
                    }
                },
                Step::Body(load) => {
                    // Put back first: a body that panics must find the load in its place, to be dropped with it.
                    let within = load.enter();
                    self.step = Step::Body(load);
                    let polled = body.as_mut().poll(context);
                    drop(within);
                    let output = ready!(polled);
                    let Step::Body(mut load) = std::mem::replace(&mut self.step, Step::Done) else {
                        continue;
                    };
                    let (keeping, brought) = match output.split() {
                        Ok(Loaded::Value(value)) => ((ways.keep)(load, &value), Loaded::Value(value)),
                        Ok(Loaded::Absent(absent)) => (load.keep_absent(), Loaded::Absent(absent)),
                        Err((error, rebuild)) => return Poll::Ready(rebuild(load.fail(error, self.share))),
                    };
                    match keeping {
                        Some(keeping) => Step::Keep(keeping, brought),
                        None => return Poll::Ready(brought.returned()),
                    }
                }
                Step::Keep(mut keeping, brought) => {
                    if keeping.as_mut().poll(context).is_pending() {
                        self.step = Step::Keep(keeping, brought);
                        return Poll::Pending;
                    }
                    return Poll::Ready(brought.returned());
                }
                Step::Done => return Poll::Pending,
            }
        }
    }
}

//! A load, as a future: the tiers below memory, the body, the fill.
//!
//! Who waits for a call looks in those tiers before there is a body ([`Wait`](super::Wait)), so that what they have costs
//! none.
//!
//! Written by hand and in three layers, for the compiler's sake. [`Run`] is made anew for every function whose hits may load
//! in the background, as [`Missed`](super::Missed) is for every other, and does no more than hand its body over; [`Typed`] is made once for a return type; what needs no type is in `steps` and `load`,
//! made once for all.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::again::Reload;
use super::enter::taken;
use super::load::Load;
use super::output::{Loaded, Output};
use super::share::Share;
use super::steps::Steps;
use super::values::Ways;

/// A call whose turn it is to load. Boxed here, in code that is compiled once for a return type and not for every function.
pub struct Lead<R: Output<K>, const K: u8>(Box<Typed<R, K>>);

impl<R: Output<K>, const K: u8> Lead<R, K> {
    pub(super) fn new(steps: Steps, share: Share<R::Error>, ways: Ways<R::Value>) -> Self {
        Self(Box::new(Typed {
            steps,
            brought: None,
            share,
            ways,
        }))
    }

    pub(super) fn poll(
        &mut self,
        body: Pin<&mut dyn Future<Output = R>>,
        context: &mut Context<'_>,
    ) -> Poll<R> {
        self.0.poll(body, context)
    }

    /// Looks in the tiers, for a function whose hits may load in the background.
    pub fn look(self) -> Look<R, K> {
        Look(Some(self))
    }
}

/// A load under way: looks in the tiers below memory unless its caller has done so, runs the body if none of them
/// answers, and stores what it brought. The expansion makes it: a function that did would be compiled for each.
pub struct Run<R: Output<K>, B, const K: u8> {
    /// The body. Before the load, and so dropped before somebody else's begins.
    pub body: Pin<Box<B>>,
    /// The load.
    pub lead: Lead<R, K>,
}

impl<R: Output<K>, B, const K: u8> Unpin for Run<R, B, K> {}

impl<R, B, const K: u8> Future for Run<R, B, K>
where
    R: Output<K>,
    B: Future<Output = R>,
{
    type Output = R;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        // Not `&mut *self`, which is a function more to compile for each of these.
        let this = self.get_mut();
        this.lead.poll(this.body.as_mut(), context)
    }
}

/// What looking in the tiers came to.
pub enum Seen<R: Output<K>, const K: u8> {
    /// It is there, and perhaps to be loaded anew.
    Found(R, Option<Reload<R::Value>>),
    /// Nothing: the body is to run.
    Nothing(Lead<R, K>),
}

/// A load up to the point where its body would run.
pub struct Look<R: Output<K>, const K: u8>(Option<Lead<R, K>>);

impl<R: Output<K>, const K: u8> Unpin for Look<R, K> {}

impl<R: Output<K>, const K: u8> Future for Look<R, K> {
    type Output = Seen<R, K>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Seen<R, K>> {
        let Some(mut lead) = self.0.take() else {
            // Polled after it was ready: a mistake of the caller's.
            return Poll::Pending;
        };
        let typed = &mut *lead.0;
        match typed.poll_look(context) {
            Poll::Pending => {
                self.0 = Some(lead);
                Poll::Pending
            }
            Poll::Ready(None) => Poll::Ready(Seen::Nothing(lead)),
            Poll::Ready(Some(hit)) => {
                let claim = typed.steps.end().and_then(Load::found);
                let reload = claim.map(|claim| Reload::new(claim, typed.ways.this));
                Poll::Ready(Seen::Found(hit, reload))
            }
        }
    }
}

/// A load whose values are of a known type.
struct Typed<R: Output<K>, const K: u8> {
    steps: Steps,
    /// What the body brought, while it is being stored.
    brought: Option<Loaded<R, R::Value>>,
    share: Share<R::Error>,
    ways: Ways<R::Value>,
}

impl<R: Output<K>, const K: u8> Typed<R, K> {
    fn poll(&mut self, body: Pin<&mut dyn Future<Output = R>>, context: &mut Context<'_>) -> Poll<R> {
        if self.brought.is_none() {
            if let Some(hit) = ready!(self.poll_look(context)) {
                drop(self.steps.end());
                return Poll::Ready(hit);
            }
            if let Some(error) = ready!(self.poll_body(body, context)) {
                return Poll::Ready(error);
            }
        }
        ready!(self.steps.poll_keep(context));
        match self.brought.take() {
            Some(brought) => Poll::Ready(brought.returned()),
            // Polled after it was ready: a mistake of the caller's.
            None => Poll::Pending,
        }
    }

    fn poll_look(&mut self, context: &mut Context<'_>) -> Poll<Option<R>> {
        let found = ready!(self.steps.poll_look(R::absent().is_some(), context));
        Poll::Ready(found.and_then(|content| taken(content, self.ways.take)))
    }

    /// Ready with what the body returned if it failed, and else with nothing, what it brought being kept from now on.
    fn poll_body(
        &mut self,
        mut body: Pin<&mut dyn Future<Output = R>>,
        context: &mut Context<'_>,
    ) -> Poll<Option<R>> {
        let mut output = None;
        let waker = context.waker();
        let mut poll = || match body.as_mut().poll(context) {
            Poll::Ready(ready) => {
                output = Some(ready);
                true
            }
            Poll::Pending => false,
        };
        let mut load = ready!(self.steps.poll_body(waker, &mut poll));
        let Some(output) = output else {
            return Poll::Pending;
        };
        let (keeping, brought) = match output.split() {
            Ok(Loaded::Value(value)) => ((self.ways.keep)(load, &value), Loaded::Value(value)),
            Ok(Loaded::Absent(absent)) => (load.keep_absent(), Loaded::Absent(absent)),
            Err((error, rebuild)) => return Poll::Ready(Some(rebuild(load.fail(error, self.share)))),
        };
        if let Some(keeping) = keeping {
            self.steps.keep(keeping);
        }
        self.brought = Some(brought);
        Poll::Ready(None)
    }
}

//! A load step by step, on values whose type is not known here: what is awaited before the body, and after it.

use std::task::{Context, Poll, Waker, ready};

use super::load::{Keeping, Load, Look, Looking};
use crate::entry::Content;

/// A load, and where it is. Nothing of an error is ever held here: it may not be able to cross threads.
pub(super) struct Steps {
    /// Until it has been found, kept or failed.
    load: Option<Load>,
    at: At,
}

enum At {
    Begin,
    /// In the remote tiers.
    Look(Looking),
    Body,
    /// Into the remote tiers.
    Keep(Keeping),
    Done,
}

impl Steps {
    pub(super) fn new(load: Load) -> Self {
        Self {
            load: Some(load),
            at: At::Begin,
        }
    }

    /// Looks in the tiers, up to where the body is to run. Ready with what was found, at most once.
    pub(super) fn poll_look(&mut self, absent: bool, context: &mut Context<'_>) -> Poll<Option<Content>> {
        let Some(load) = &mut self.load else {
            return Poll::Ready(None);
        };
        if matches!(self.at, At::Begin) {
            match load.look(absent) {
                Look::Now(found) => {
                    self.at = At::Body;
                    return Poll::Ready(found);
                }
                Look::Later(looking) => self.at = At::Look(looking),
            }
        }
        let At::Look(looking) = &mut self.at else {
            return Poll::Ready(None);
        };
        let beat = load.beat();
        let looked = looking.as_mut().poll(context);
        drop(beat);
        let Poll::Ready(below) = looked else {
            load.rest(context.waker());
            return Poll::Pending;
        };
        self.at = At::Body;
        Poll::Ready(load.looked(absent, below))
    }

    /// Ends a load whose body is not needed.
    pub(super) fn end(&mut self) -> Option<Load> {
        self.at = At::Done;
        self.load.take()
    }

    /// Polls the body as the one of this load. One that panics finds the load in its place, to be dropped with it.
    pub(super) fn poll_body(&mut self, waker: &Waker, poll: &mut dyn FnMut() -> bool) -> Poll<Load> {
        let Some(load) = self.load.as_mut().filter(|_| matches!(self.at, At::Body)) else {
            return Poll::Pending;
        };
        load.begin();
        let (within, beat) = (load.enter(), load.beat());
        let ready = poll();
        drop((within, beat));
        if !ready {
            load.rest(waker);
            return Poll::Pending;
        }
        self.end().map_or(Poll::Pending, Poll::Ready)
    }

    /// Waits from now on for what is left to be stored.
    pub(super) fn keep(&mut self, keeping: Keeping) {
        self.at = At::Keep(keeping);
    }

    /// Ready once it is stored.
    pub(super) fn poll_keep(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let At::Keep(keeping) = &mut self.at {
            ready!(keeping.as_mut().poll(context));
            self.at = At::Done;
        }
        Poll::Ready(())
    }
}

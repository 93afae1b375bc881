//! A load step by step, on values whose type is not known here: what is awaited before the body, and after it.

use std::task::{Context, Poll, ready};

use super::load::{Keeping, Load, Look, Looking};
use crate::entry::Content;

/// Where a load is. Nothing of an error is ever held here: it may not be able to cross threads.
pub(super) enum Steps {
    Begin(Box<Load>),
    /// In the remote tiers.
    Look(Looking),
    Body(Box<Load>),
    /// Into the remote tiers.
    Keep(Keeping),
    /// Returned, or a body that panicked took the load with it.
    Done,
}

impl Steps {
    /// Looks in the tiers, up to where the body is to run. Ready with what was found, at most once.
    pub(super) fn poll_look(&mut self, absent: bool, context: &mut Context<'_>) -> Poll<Option<Content>> {
        let (load, found) = match std::mem::replace(self, Self::Done) {
            Self::Begin(load) => match load.look(absent) {
                Look::Now(load, found) => (load, found),
                Look::Later(looking) => {
                    *self = Self::Look(looking);
                    return self.poll_look(absent, context);
                }
            },
            Self::Look(mut looking) => match looking.as_mut().poll(context) {
                Poll::Ready(looked) => looked,
                Poll::Pending => {
                    *self = Self::Look(looking);
                    return Poll::Pending;
                }
            },
            later => {
                *self = later;
                return Poll::Ready(None);
            }
        };
        *self = Self::Body(load);
        Poll::Ready(found)
    }

    /// Ends a load whose body is not needed.
    pub(super) fn end(&mut self) -> Option<Box<Load>> {
        match std::mem::replace(self, Self::Done) {
            Self::Body(load) => Some(load),
            _ => None,
        }
    }

    /// Polls the body as the one of this load. One that panics finds the load in its place, to be dropped with it.
    pub(super) fn poll_body(&mut self, poll: &mut dyn FnMut() -> bool) -> Poll<Box<Load>> {
        let Self::Body(load) = self else {
            return Poll::Pending;
        };
        load.begin();
        let within = load.enter();
        let ready = poll();
        drop(within);
        match std::mem::replace(self, Self::Done) {
            Self::Body(load) if ready => Poll::Ready(load),
            unfinished => {
                *self = unfinished;
                Poll::Pending
            }
        }
    }

    /// Waits for what is left to be stored.
    pub(super) fn poll_keep(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Self::Keep(keeping) = self {
            ready!(keeping.as_mut().poll(context));
            *self = Self::Done;
        }
        Poll::Ready(())
    }
}

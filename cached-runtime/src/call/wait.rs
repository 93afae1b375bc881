//! A call that memory could not answer, up to where its body would run.
//!
//! Compiled anew for every return type. What has to be waited for is in `start` and `steps`, compiled once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::enter::taken;
use super::output::{Output, Shape};
use super::run::Lead;
use super::share::Share;
use super::start::Start;
use super::values::Ways;
use crate::flight::Answer;

/// What waiting comes to.
pub enum Turn<R: Output<K>, const K: u8> {
    /// Answered by somebody else's load.
    Done(R),
    /// This caller is to load.
    Lead(Lead<R, K>),
}

/// A call that memory could not answer: waits for the flight it joined, or for its turn to lead and for what the tiers
/// below memory have.
pub struct Wait<R: Output<K>, const K: u8> {
    at: At<R, K>,
    share: Share<R::Error>,
    ways: fn() -> Ways<R::Value>,
}

enum At<R: Output<K>, const K: u8> {
    Start(Start),
    Look(Lead<R, K>),
    Done,
}

/// The same as far as to its turn: looking is left to the caller.
pub struct WaitForTurn<R: Output<K>, const K: u8>(Wait<R, K>);

impl<R: Output<K>, const K: u8> Wait<R, K> {
    /// Goes on from `start`. How an error is shared is found out here and not before: a hit has no use for it.
    pub fn new(
        start: Start,
        ways: fn() -> Ways<R::Value>,
        shape: Shape<R, K>,
        share: Share<R::Error>,
    ) -> Self {
        let _ = shape;
        Self {
            at: At::Start(start),
            share,
            ways,
        }
    }

    /// Waits for no more than its turn.
    pub fn turn(self) -> WaitForTurn<R, K> {
        WaitForTurn(self)
    }

    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<Turn<R, K>> {
        let At::Start(start) = &mut self.at else {
            // Polled after it was ready: a mistake of the caller's.
            return Poll::Pending;
        };
        let (share, ways) = (self.share, self.ways);
        let mut made = None;
        let mut read = |answer: &Answer| {
            made = match answer {
                Answer::Content(content) => taken(content.clone(), ways().read),
                Answer::Error(maker) => maker.with(|maker| share.make(maker)).and_then(R::from_error),
            };
            made.is_some()
        };
        match ready!(start.poll_turn(context, &mut read)) {
            Some(load) => Poll::Ready(Turn::Lead(Lead::new(load, share, ways()))),
            None => made.map_or(Poll::Pending, |answer| Poll::Ready(Turn::Done(answer))),
        }
    }
}

impl<R: Output<K>, const K: u8> Unpin for Wait<R, K> {}

impl<R: Output<K>, const K: u8> Future for Wait<R, K> {
    type Output = Turn<R, K>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Turn<R, K>> {
        if matches!(self.at, At::Start(_)) {
            match ready!(self.poll_turn(context)) {
                Turn::Lead(lead) => self.at = At::Look(lead),
                done @ Turn::Done(_) => return Poll::Ready(done),
            }
        }
        let At::Look(lead) = &mut self.at else {
            // Polled after it was ready: a mistake of the caller's.
            return Poll::Pending;
        };
        let found = ready!(lead.poll_look(context));
        match (found, std::mem::replace(&mut self.at, At::Done)) {
            (Some(hit), _) => Poll::Ready(Turn::Done(hit)),
            (None, At::Look(lead)) => Poll::Ready(Turn::Lead(lead)),
            (None, At::Start(_) | At::Done) => Poll::Pending,
        }
    }
}

impl<R: Output<K>, const K: u8> Unpin for WaitForTurn<R, K> {}

impl<R: Output<K>, const K: u8> Future for WaitForTurn<R, K> {
    type Output = Turn<R, K>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Turn<R, K>> {
        self.get_mut().0.poll_turn(context)
    }
}

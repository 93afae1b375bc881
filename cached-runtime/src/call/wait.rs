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
use super::steps::Steps;
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
/// below memory have. Of a function whose hits may load in the background, it looks in those tiers later
/// ([`Lead::look`]).
pub struct Wait<R: Output<K>, const K: u8> {
    start: Start,
    /// The load of one who did not lead at first, while it looks in those tiers.
    looks: Option<Box<Steps>>,
    share: Share<R::Error>,
    ways: fn() -> Ways<R::Value>,
}

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
            start,
            looks: None,
            share,
            ways,
        }
    }
}

impl<R: Output<K>, const K: u8> Wait<R, K> {
    /// Goes on, with the load in `looks` while it looks in the tiers below memory.
    fn poll_in(&mut self, looks: &mut Option<Steps>, context: &mut Context<'_>) -> Poll<Turn<R, K>> {
        let (share, ways) = (self.share, self.ways);
        let mut made = None;
        let mut read = |answer: Answer| {
            made = match answer {
                Answer::Content(content) => taken(content, ways().take),
                Answer::Error(maker) => match share.make(&maker) {
                    Some(error) => R::from_error(error),
                    None => None,
                },
            };
            made.is_some()
        };
        let absent = R::absent().is_some();
        match ready!(self.start.poll(looks, absent, context, &mut read)) {
            Some(steps) => Poll::Ready(Turn::Lead(Lead::new(steps, share, ways()))),
            None => made.map_or(Poll::Pending, |answer| Poll::Ready(Turn::Done(answer))),
        }
    }
}

impl<R: Output<K>, const K: u8> Unpin for Wait<R, K> {}

impl<R: Output<K>, const K: u8> Future for Wait<R, K> {
    type Output = Turn<R, K>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Turn<R, K>> {
        let mut looks = self.looks.take().map(|steps| *steps);
        let turn = self.poll_in(&mut looks, context);
        self.looks = looks.map(Box::new);
        turn
    }
}

/// The same of a call that leads, or goes alone, and will look in the tiers below memory: with room for its load.
pub struct Leading<R: Output<K>, const K: u8> {
    wait: Wait<R, K>,
    looks: Option<Steps>,
}

impl<R: Output<K>, const K: u8> Leading<R, K> {
    pub(super) fn new(wait: Wait<R, K>) -> Self {
        Self { wait, looks: None }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Turn<R, K>> {
        self.wait.poll_in(&mut self.looks, context)
    }
}

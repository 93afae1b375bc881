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
    /// The load, while it looks in those tiers. Not in `start`, which is moved about.
    looks: Option<Steps>,
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

impl<R: Output<K>, const K: u8> Unpin for Wait<R, K> {}

impl<R: Output<K>, const K: u8> Future for Wait<R, K> {
    type Output = Turn<R, K>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Turn<R, K>> {
        let this = &mut *self;
        let (share, ways) = (this.share, this.ways);
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
        match ready!(this.start.poll(&mut this.looks, absent, context, &mut read)) {
            Some(steps) => Poll::Ready(Turn::Lead(Lead::new(steps, share, ways()))),
            None => made.map_or(Poll::Pending, |answer| Poll::Ready(Turn::Done(answer))),
        }
    }
}

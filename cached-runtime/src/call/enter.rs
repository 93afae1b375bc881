//! The typed side of a call: from arguments to a returned thing.
//!
//! Compiled anew for every function, so it holds no more than what needs the types; the steps themselves are in
//! `load`, compiled once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::output::{Output, Shape};
use super::share::Share;
use super::values::Ways;
use super::{Lead, Start, probe_of};
use crate::caches::registry::Definition;
use crate::caches::{Caches, context};
use crate::entry::Content;
use crate::flight::Answer;
use crate::key::KeyBuf;
use crate::policy::Mode;

/// What a call comes to at once.
pub enum Enter<R: Output<K>, const K: u8> {
    /// Answered from memory.
    Done(R),
    /// Not answered; to be awaited.
    Wait(Wait<R, K>),
}

/// What waiting comes to.
pub enum Turn<R: Output<K>, const K: u8> {
    /// Answered by somebody else's load.
    Done(R),
    /// This caller is to load.
    Lead(Lead<R, K>),
}

/// Enters a call under the `Caches` in force.
#[inline]
pub fn enter<R, const K: u8>(
    definition: Definition<R::Value>,
    shape: Shape<R, K>,
    share: Share<R::Error>,
    key: &KeyBuf,
) -> Enter<R, K>
where
    R: Output<K>,
{
    let _ = shape;
    context::with(|caches, mode| enter_at(caches, mode, definition, share, key))
}

/// Enters a call under a `Caches` passed by hand; the mode in force counts.
#[inline]
pub fn enter_in<R, const K: u8>(
    caches: &Caches,
    definition: Definition<R::Value>,
    shape: Shape<R, K>,
    share: Share<R::Error>,
    key: &KeyBuf,
) -> Enter<R, K>
where
    R: Output<K>,
{
    let _ = shape;
    enter_at(caches, context::mode(), definition, share, key)
}

#[inline]
fn enter_at<R, const K: u8>(
    caches: &Caches,
    mode: Mode,
    definition: Definition<R::Value>,
    share: Share<R::Error>,
    key: &KeyBuf,
) -> Enter<R, K>
where
    R: Output<K>,
{
    let values = definition.values();
    let function = caches.function(definition);
    let probe = probe_of(key.as_bytes());
    if mode == Mode::Normal
        && let Some(memory) = &function.memory
        && let Some(hit) = memory.read(probe, |content| returned(content, values.read))
    {
        return Enter::Done(hit);
    }
    Enter::Wait(Wait {
        start: Start::new(function, mode, probe),
        share,
        ways: values.ways,
    })
}

/// What is kept, as the function returns it.
#[inline]
pub(super) fn returned<R: Output<K>, const K: u8>(
    content: &Content,
    read: fn(&Content) -> Option<R::Value>,
) -> Option<R> {
    match content {
        Content::Value(_) => read(content).map(R::from_value),
        Content::Absent => R::absent(),
    }
}

/// A call that memory could not answer: waits for the flight it joined, or for its turn to lead.
pub struct Wait<R: Output<K>, const K: u8> {
    start: Start,
    share: Share<R::Error>,
    ways: fn() -> Ways<R::Value>,
}

impl<R: Output<K>, const K: u8> Unpin for Wait<R, K> {}

impl<R: Output<K>, const K: u8> Future for Wait<R, K> {
    type Output = Turn<R, K>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Turn<R, K>> {
        let (share, ways) = (self.share, self.ways);
        let read = |answer: &Answer| match answer {
            Answer::Content(content) => returned(content, ways().read),
            Answer::Error(maker) => share.make(&**maker).and_then(R::from_error),
        };
        self.start.poll_turn(context, read).map(|turn| match turn {
            Ok(answer) => Turn::Done(answer),
            Err(load) => Turn::Lead(Lead::new(load, share, ways())),
        })
    }
}

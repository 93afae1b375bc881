//! The typed side of a batch: from ids to what is returned.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use super::answers::Sort;
use super::{Answers, Keys, Listed, Steps};
use crate::caches::context;
use crate::call::output::{Loaded, Output, Shape};
use crate::call::share::Share;
use crate::call::values::Ways;
use crate::entry::Content;
use crate::flight::Answer;
use crate::handles::Entry;

/// The ids of a batch, and what is found at once of their entries.
pub struct Asked<I: ?Sized, Id, S, V> {
    list: Listed<I, Id, S>,
    keys: Keys,
    ways: Option<fn() -> Ways<V>>,
}

/// Asks for the entries that `entry` says for each of the `ids`.
pub fn ask<I: ?Sized, Id, S, V>(
    list: Listed<I, Id, S>,
    ids: &I,
    entry: impl Fn(&Id) -> Entry<V>,
) -> Asked<I, Id, S, V> {
    let (mut keys, mut ways) = (Keys::default(), None);
    for id in (list.all)(ids) {
        let entry = entry(id);
        let (function, hash, key) = entry.place();
        keys.add(function, hash, key);
        ways = Some(entry.ways());
    }
    Asked { list, keys, ways }
}

/// A call of a batch. `J` is how its answer is put together.
pub struct Batch<R: Output<N>, const N: u8, I: ?Sized, Id, S, V, J = Answers<<R as Output<N>>::Value, Id, V>>
{
    pub(super) list: Listed<I, Id, S>,
    pub(super) steps: Steps,
    pub(super) keys: Keys,
    pub(super) share: Share<R::Error>,
    pub(super) ways: Option<fn() -> Ways<V>>,
    pub(super) sort: Sort<R::Value, Id, V>,
    pub(super) answers: J,
}

/// How a batch goes on.
pub enum Step<R> {
    /// The body is to run for the missing ids.
    Load,
    /// All is known.
    Done,
    /// A load of somebody else, which this batch waited for, has failed.
    Failed(R),
}

/// Begins a batch: looks in memory, and leads or joins the flights of what is not there.
pub fn batch<R: Output<N>, const N: u8, I: ?Sized, Id, S, V>(
    shape: Shape<R, N>,
    asked: Asked<I, Id, S, V>,
    share: Share<R::Error>,
    answers: Answers<R::Value, Id, V>,
) -> Batch<R, N, I, Id, S, V> {
    let _ = shape;
    let Asked { list, keys, ways } = asked;
    let (keys, steps) = Steps::begin(keys.finish(), context::mode());
    Batch {
        list,
        steps,
        keys,
        share,
        ways,
        sort: answers.sort,
        answers,
    }
}

impl<R: Output<N>, const N: u8, I: ?Sized, Id, S, V, J> Batch<R, N, I, Id, S, V, J> {
    /// Waits until the body is to run or all is known.
    pub fn turn(&mut self) -> impl Future<Output = Step<R>> {
        let share = self.share;
        std::future::poll_fn(move |context| {
            let mut failed = None;
            let mut read = |answer: &Answer| match answer {
                Answer::Content(_) => true,
                Answer::Error(maker) => {
                    let made = share.make(maker).and_then(R::from_error);
                    let is_made = made.is_some();
                    // Of several the first: one that is of no use to this batch undoes none that is.
                    failed = failed.take().or(made);
                    is_made
                }
            };
            let polled = self
                .steps
                .alive(context, |steps, context| steps.poll(context, &mut read));
            match (failed, polled) {
                (Some(failed), _) => Poll::Ready(Step::Failed(failed)),
                (None, Poll::Ready(true)) => Poll::Ready(Step::Load),
                (None, Poll::Ready(false)) => Poll::Ready(Step::Done),
                (None, Poll::Pending) => Poll::Pending,
            }
        })
    }

    /// The ids that the body is to be run for.
    pub fn missing(&mut self, ids: &I) -> S {
        let (all, copy) = ((self.list.all)(ids), self.list.copy);
        let missing = match &mut self.steps {
            Steps::Uncached => all.into_iter().map(copy).collect(),
            Steps::Cached { stage, .. } => stage
                .missing()
                .into_iter()
                .filter_map(|id| all.get(id).map(|id| copy(id)))
                .collect(),
        };
        (self.list.some)(missing)
    }

    /// Runs the body.
    pub async fn run<B: Future<Output = R>>(&mut self, mut body: Pin<Box<B>>) -> R {
        self.steps.run();
        std::future::poll_fn(|context| {
            self.steps.alive(context, |steps, context| {
                let _within = steps.within();
                body.as_mut().poll(context)
            })
        })
        .await
    }

    /// Takes what the body returned. Gives it back if that is what this call comes to.
    pub fn brought(&mut self, ids: &I, returned: R) -> Option<R>
    where
        V: 'static,
    {
        let Steps::Cached {
            stage,
            keeping,
            pulse,
            ..
        } = &mut self.steps
        else {
            return Some(returned);
        };
        // Of many values the user's `weight` and what else is asked of them may take long.
        let _beat = pulse.beat();
        let (many, ways) = (stage.many()?, self.ways?());
        match returned.split() {
            Err((error, rebuild)) => Some(rebuild(many.fail(error, self.share))),
            // No shape of a batch.
            Ok(Loaded::Absent(absent)) => Some(absent()),
            Ok(Loaded::Value(map)) => {
                let all = (self.list.all)(ids);
                let missing: Vec<&Id> = many.missing().filter_map(|id| all.get(id).copied()).collect();
                let sorted = (self.sort)(map, &missing).into_iter();
                let brought = sorted.map(|value| match value {
                    Some(value) => {
                        let plan = many.plan(Some(&value));
                        (Content::Value((ways.share)(value)), plan)
                    }
                    None => (Content::Absent, many.plan(None)),
                });
                let brought = brought.collect();
                *keeping = many.keep(brought);
                None
            }
        }
    }
}

impl<R: Output<N>, const N: u8, I: ?Sized, Id, S, V> Batch<R, N, I, Id, S, V> {
    /// What the call returns, once all is known.
    pub fn finish(mut self, ids: &I) -> R {
        let mut pairs = Vec::new();
        if let (Steps::Cached { stage, .. }, Some(ways)) = (&mut self.steps, self.ways)
            && let Some(many) = stage.many()
        {
            let (all, ways) = ((self.list.all)(ids), ways());
            // Two ids of one entry are one for the map, or have the same value.
            let others = self.keys.again.iter().filter(|(id, slot)| {
                let first = all.get(many.slots[*slot].id);
                all.get(*id)
                    .zip(first)
                    .is_some_and(|(id, first)| !(self.answers.same)(id, first))
            });
            let others: Vec<_> = others
                .map(|(id, slot)| (*id, many.slots[*slot].content.clone()))
                .collect();
            let slots = many.slots.iter_mut().map(|slot| (slot.id, slot.content.take()));
            for (id, content) in slots.chain(others) {
                if let Some(value) = content.and_then(ways.take)
                    && let Some(id) = all.get(id)
                {
                    pairs.push((*id, value));
                }
            }
        }
        R::from_value((self.answers.join)(pairs))
    }
}

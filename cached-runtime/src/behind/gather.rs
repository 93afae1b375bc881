//! Writes that are run together: the items of several calls of one function, for one run of its body.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::attempt::{Body, Run};
use super::state::{Turn, WriterId};
use crate::key::KeyBytes;

/// How many items one run gets, and how long the first of them waits for the others.
#[derive(Debug, Clone, Copy)]
pub struct Together {
    /// At most so many.
    pub most: usize,
    /// Until then, or until there are as many.
    pub every: Duration,
}

/// What is run for a write.
pub(super) enum Job {
    /// A body of its own.
    Alone(Body),
    /// That of any call, with all the items that are run together.
    Item {
        item: Box<dyn Any + Send>,
        call: Arc<Call>,
    },
}

/// A call of a writer of items: its body, and copies of the other arguments.
pub(crate) struct Call {
    body: Mutex<Make>,
}

/// Makes a run for some items.
type Make = Box<dyn FnMut(&[&(dyn Any + Send)]) -> Run + Send>;

impl Call {
    pub(super) fn new(body: Make) -> Arc<Self> {
        let body = Mutex::new(body);
        Arc::new(Self { body })
    }
}

/// One run for all of these, of which there are several only if they are items.
pub(super) fn run(turns: &mut [Turn]) -> Run {
    if let [Turn { write, .. }] = turns
        && let Job::Alone(body) = &mut write.job
    {
        return body();
    }
    let (mut newest, mut items) = (None, Vec::with_capacity(turns.len()));
    for Turn { write, .. } in turns {
        if let Job::Item { item, call } = &write.job {
            items.push(&**item);
            if newest.is_none_or(|(number, _)| number < write.number) {
                newest = Some((write.number, call));
            }
        }
    }
    match newest {
        Some((_, call)) => {
            let mut make = call.body.lock().unwrap_or_else(PoisonError::into_inner);
            make(&items)
        }
        None => Box::pin(std::future::ready(Ok(()))),
    }
}

/// Keys whose next writes are items for one body.
pub(super) struct Gathering {
    pub(super) writer: WriterId,
    together: Together,
    /// Each with when it came.
    keys: VecDeque<(Instant, KeyBytes)>,
}

impl Gathering {
    pub(super) fn new(writer: WriterId, together: Together) -> Self {
        Self {
            writer,
            together,
            keys: VecDeque::new(),
        }
    }

    pub(super) fn add(&mut self, now: Instant, key: KeyBytes) {
        self.keys.push_back((now, key));
    }

    /// From when on some may run.
    pub(super) fn due(&self) -> Option<Instant> {
        let (came, _) = self.keys.front()?;
        let is_full = self.keys.len() >= self.together.most;
        Some(if is_full {
            *came
        } else {
            *came + self.together.every
        })
    }

    /// Lets a key go that is to be run without the others; whether it was here.
    pub(super) fn give_up(&mut self, key: &KeyBytes) -> bool {
        let place = self.keys.iter().position(|(_, known)| known == key);
        place.is_some_and(|place| self.keys.remove(place).is_some())
    }

    /// The keys of one run.
    pub(super) fn take(&mut self) -> Vec<KeyBytes> {
        let most = self.together.most.min(self.keys.len());
        self.keys.drain(..most).map(|(_, key)| key).collect()
    }
}

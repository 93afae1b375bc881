//! Waiting for many flights at once.
//!
//! Each is looked at when it has something to say, and not whenever one of the others has: of a hundred thousand that
//! would be looking ten thousand million times.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::flight::{Answer, Lead, Turn, Wait};

/// The flights of others that a batch waits for.
#[derive(Default)]
pub(super) struct Waits {
    all: Vec<Option<Waiting>>,
    left: usize,
    bell: Arc<Bell>,
    /// Every one of them is to be looked at.
    anew: bool,
}

struct Waiting {
    slot: usize,
    wait: Wait,
    waker: Option<Waker>,
}

/// Rung by those that have something to say.
#[derive(Default)]
struct Bell(Mutex<Rung>);

#[derive(Default)]
struct Rung {
    by: Vec<usize>,
    task: Option<Waker>,
}

/// The rope of one of them.
struct Rope {
    bell: Arc<Bell>,
    index: usize,
}

impl Wake for Rope {
    fn wake(self: Arc<Self>) {
        let mut rung = self.bell.lock();
        rung.by.push(self.index);
        let task = rung.task.take();
        drop(rung);
        // May run code of the executor.
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, Rung> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that have rung. Whoever rings from here on wakes `task`.
    fn answer(&self, task: &Waker) -> Vec<usize> {
        let mut rung = self.lock();
        let old = rung.task.replace(task.clone());
        let by = std::mem::take(&mut rung.by);
        drop(rung);
        drop(old);
        by
    }
}

impl Waits {
    pub(super) fn add(&mut self, slot: usize, wait: Wait) {
        self.left += 1;
        self.anew = true;
        self.all.push(Some(Waiting {
            slot,
            wait,
            waker: None,
        }));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// Waits until all are answered, or until it is this caller's turn to lead some: those, and nobody waits for the
    /// others meanwhile. `read` is shown each answer with its slot, and says whether it is of use and whether to go on.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        read: &mut dyn FnMut(usize, &Answer) -> bool,
    ) -> Poll<Vec<(usize, Lead)>> {
        let rung = self.bell.answer(context.waker());
        let looked_at = if std::mem::take(&mut self.anew) {
            (0..self.all.len()).collect()
        } else {
            rung
        };
        let mut leads = Vec::new();
        for index in looked_at {
            if let Poll::Ready((slot, turn)) = self.poll_one(index, read) {
                self.all[index] = None;
                self.left -= 1;
                if let Turn::Lead(lead) = turn {
                    leads.push((slot, lead));
                }
            }
        }
        if leads.is_empty() && self.left > 0 {
            return Poll::Pending;
        }
        if !leads.is_empty() {
            self.rest();
        }
        Poll::Ready(leads)
    }

    fn poll_one(
        &mut self,
        index: usize,
        read: &mut dyn FnMut(usize, &Answer) -> bool,
    ) -> Poll<(usize, Turn)> {
        let Some(Some(waiting)) = self.all.get_mut(index) else {
            return Poll::Pending;
        };
        let bell = &self.bell;
        let waker = waiting.waker.get_or_insert_with(|| {
            Waker::from(Arc::new(Rope {
                bell: Arc::clone(bell),
                index,
            }))
        });
        let slot = waiting.slot;
        let mut read = |answer: &Answer| read(slot, answer);
        Pin::new(&mut waiting.wait)
            .poll_turn(&mut Context::from_waker(waker), &mut read)
            .map(|turn| (slot, turn))
    }

    fn rest(&mut self) {
        self.anew = true;
        for waiting in self.all.iter().flatten() {
            waiting.wait.rest();
        }
    }
}

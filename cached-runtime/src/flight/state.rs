//! The state of one flight, behind one lock that is held for a few instructions at a time.

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::pulse::{Pulse, Sign};
use crate::entry::Content;
use crate::key::KeyBytes;

/// How many followers run for themselves at once where the one load could not serve them all.
pub(crate) const SOLO_RUNS: usize = 32;

/// After so many leaders in a row that were dropped, panicked or lost their lead, waiting for one more helps nobody.
const MOST_FALLS: u8 = 2;

/// No pulse comes to this, which is odd.
const UNHEARD: u64 = u64::MAX;

/// After so many looks in which he has not been polled, in the first of which he was woken, one who leads is lost.
const LOST: u8 = 2;

/// For so long an answer is given to those who come after it, while who gave it fills the tiers below. Whoever comes later looks
/// there, and runs the body again where it has not come to that yet, as in a batch whose fill takes longer.
const MOST_ANSWERS: Duration = Duration::from_secs(1);

/// What a flight ended with.
#[derive(Clone)]
pub(crate) enum Answer {
    Content(Content),
    /// Makes one follower's error.
    Error(Maker),
}

/// What makes errors, for all who waited for one load: of one key, or of all the keys of a batch. What is inside is known
/// to the function's own code.
#[derive(Clone)]
pub(crate) struct Maker(Arc<Mutex<Box<dyn Any + Send>>>);

impl Maker {
    pub(crate) fn new(inside: Box<dyn Any + Send>) -> Self {
        Self(Arc::new(Mutex::new(inside)))
    }

    /// What is inside, for one of them at a time.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Box<dyn Any + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) enum Phase {
    /// A leader is at work.
    Running,
    /// The leader has fallen; whoever looks first leads.
    Vacant,
    /// The followers run for themselves, so many of them now.
    Solo {
        running: usize,
    },
    Done(Answer),
}

/// How many there have been.
static FLIGHTS: AtomicU64 = AtomicU64::new(0);

pub(super) struct Flight {
    /// Of all there ever were. An address may be another's by and by.
    pub(super) number: u64,
    pub(super) key: KeyBytes,
    pub(super) hash: u64,
    /// The batch that leads it, among those of others; 0 for a caller who asked for this key alone.
    group: AtomicU64,
    /// Of who leads it first, while its sign is [`Sign::Own`]; without a waker once he is gone.
    pub(super) pulse: Pulse,
    state: Mutex<State>,
}

impl Flight {
    pub(super) fn new(key: KeyBytes, hash: u64, unattended: bool) -> Self {
        let state = State {
            phase: Phase::Running,
            unattended,
            turn: 0,
            sign: Sign::None,
            heard: UNHEARD,
            silent: 0,
            looked: 0,
            falls: 0,
            answers: 0,
            answered: None,
            waiters: Waiters::default(),
        };
        Self {
            number: FLIGHTS.fetch_add(1, Relaxed),
            key,
            hash,
            group: AtomicU64::new(0),
            pulse: Pulse::default(),
            state: Mutex::new(state),
        }
    }

    // Read by none but the batch itself, to find out that it would wait for itself.
    pub(super) fn group(&self) -> u64 {
        self.group.load(Relaxed)
    }

    pub(super) fn set_group(&self, group: u64) {
        self.group.store(group, Relaxed);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct State {
    pub(super) phase: Phase,
    /// The leader is no caller's, so that nobody who loses patience drops it.
    unattended: bool,
    /// Whoever began to lead before it moved on leads no more.
    turn: u32,
    /// Of who leads, once he has something to wait for.
    sign: Sign,
    /// How far his pulse had come.
    heard: u64,
    /// The looks since in which he had not.
    silent: u8,
    /// The number of the last look.
    looked: u64,
    falls: u8,
    /// How many there have been: one that is of no use to some of those who wait is followed by another.
    answers: u32,
    /// When there was the last one.
    pub(super) answered: Option<Instant>,
    pub(super) waiters: Waiters,
}

/// What a look at a flight comes to.
pub(super) enum Health {
    /// Nobody waits.
    Over,
    Well,
    /// Who leads has not been polled since the last look. Woken, he is if he lives.
    Doubtful(Option<Waker>),
    /// Nor has he since. Those who wait are to see to it.
    Lost,
    /// Nobody leads, or too few: those whose turn it was may be kept and not polled.
    Unled,
}

impl State {
    /// A look at who leads, by its number: one that comes upon a flight a second time, as it leaves the map meanwhile, has
    /// seen it. `own` is the pulse in the flight.
    pub(super) fn look(&mut self, number: u64, own: &Pulse) -> Health {
        if self.waiters.is_empty() {
            return Health::Over;
        }
        if std::mem::replace(&mut self.looked, number) == number {
            return Health::Well;
        }
        match self.phase {
            Phase::Running => {}
            Phase::Solo { running } if running >= SOLO_RUNS => return Health::Well,
            Phase::Vacant | Phase::Solo { .. } => return Health::Unled,
            Phase::Done(_) => return Health::Well,
        }
        let Some(pulse) = self.sign.pulse(own) else {
            return Health::Well;
        };
        match pulse.count() {
            Some(count) if count == self.heard => {}
            count => {
                (self.heard, self.silent) = (count.unwrap_or(self.heard), 0);
                return Health::Well;
            }
        }
        self.silent = self.silent.saturating_add(1);
        if self.silent < LOST {
            Health::Doubtful(pulse.waker())
        } else {
            Health::Lost
        }
    }

    /// Takes the lead from one who is not polled, though he was woken. Says whether that was so.
    pub(super) fn take_from_lost(&mut self, own: &Pulse) -> bool {
        let is_lost = self.silent >= LOST
            && matches!(self.phase, Phase::Running)
            && self.sign.pulse(own).and_then(Pulse::count) == Some(self.heard);
        if is_lost {
            self.turn = self.turn.wrapping_add(1);
            self.vacate();
        }
        is_lost
    }

    /// The turn of who leads now.
    pub(super) fn turn(&self) -> u32 {
        self.turn
    }

    /// Whoever leads is polled where `sign` says so. He has it too, so that what is left of it here never drops a waker.
    pub(super) fn set_sign(&mut self, sign: Sign) {
        if matches!(self.phase, Phase::Running) {
            self.sign = sign;
            (self.heard, self.silent) = (UNHEARD, 0);
        }
    }

    /// Nobody leads any more, without an answer.
    fn vacate(&mut self) {
        (self.sign, self.silent) = (Sign::None, 0);
        self.unattended = false;
        self.falls += 1;
        self.phase = if self.falls < MOST_FALLS {
            Phase::Vacant
        } else {
            Phase::Solo { running: 0 }
        };
    }

    /// The leader is gone without an answer. Returns whom to wake.
    pub(super) fn fall(&mut self) -> Vec<Waker> {
        match &mut self.phase {
            Phase::Running => self.vacate(),
            Phase::Solo { running } => *running = running.saturating_sub(1),
            Phase::Vacant | Phase::Done(_) => {}
        }
        self.offer()
    }

    /// A run is over that nobody waits for. Says whether it was the last.
    pub(super) fn leave(&mut self) -> bool {
        self.sign = Sign::None;
        match &mut self.phase {
            Phase::Solo { running } => {
                *running = running.saturating_sub(1);
                *running == 0
            }
            Phase::Running | Phase::Vacant | Phase::Done(_) => true,
        }
    }

    /// The leader has an answer that nobody else can use: from here on everybody runs for himself. Returns whom to wake, and
    /// what was there before, to be dropped without the lock.
    pub(super) fn split(&mut self) -> (Vec<Waker>, Phase) {
        let running = match self.phase {
            Phase::Solo { running } => running.saturating_sub(1),
            _ => 0,
        };
        let before = std::mem::replace(&mut self.phase, Phase::Solo { running });
        self.sign = Sign::None;
        (self.offer(), before)
    }

    /// The same of an answer for all.
    pub(super) fn finish(&mut self, answer: Answer) -> (Vec<Waker>, Phase) {
        let before = std::mem::replace(&mut self.phase, Phase::Done(answer));
        self.sign = Sign::None;
        self.answers = self.answers.wrapping_add(1);
        self.answered = Some(Instant::now());
        self.falls = 0;
        (self.waiters.take_all(), before)
    }

    /// Which answer the present one is.
    pub(super) fn edition(&self) -> u32 {
        self.answers
    }

    /// The answer is not to be given to those who come now: who gave it has been done with what he does after it long since, or
    /// is kept and not polled.
    pub(super) fn is_outdated(&self) -> bool {
        matches!(self.phase, Phase::Done(_)) && self.answered.is_some_and(|at| at.elapsed() > MOST_ANSWERS)
    }

    /// Takes the lead after an answer that the caller cannot use, unless somebody else has done so. What the answer was
    /// is to be dropped without the lock: it may be the user's.
    pub(super) fn reopen(&mut self, edition: u32) -> Option<Phase> {
        let unanswered = matches!(self.phase, Phase::Done(_)) && self.answers == edition;
        unanswered.then(|| {
            // Whoever led it before, a caller does now, and what the one before still does is his own.
            self.unattended = false;
            self.turn = self.turn.wrapping_add(1);
            std::mem::replace(&mut self.phase, Phase::Running)
        })
    }

    /// As many waiters as there are turns to take.
    pub(super) fn offer(&mut self) -> Vec<Waker> {
        let turns = match self.phase {
            Phase::Running | Phase::Done(_) => 0,
            Phase::Vacant => 1,
            Phase::Solo { running } => SOLO_RUNS.saturating_sub(running),
        };
        std::iter::from_fn(|| self.waiters.take_one())
            .take(turns)
            .collect()
    }

    /// A follower has lost patience with a leader that may never come back: whoever comes later is not to wait for it.
    pub(super) fn is_given_up(&self) -> bool {
        self.unattended && matches!(self.phase, Phase::Running)
    }

    /// Nobody leads and nobody waits.
    pub(super) fn is_abandoned(&self) -> bool {
        let idle = matches!(self.phase, Phase::Vacant | Phase::Solo { running: 0 });
        idle && self.waiters.is_empty()
    }
}

/// Who waits, in slots of 16 bytes that are used again.
#[derive(Default)]
pub(super) struct Waiters {
    slots: Vec<Option<Waker>>,
    free: Vec<u32>,
    /// Where to look next for somebody to wake, so that waking all one by one stays linear.
    cursor: usize,
    /// Slots handed out, whether their waker has been taken or not.
    enlisted: usize,
}

impl Waiters {
    /// Without a waker: it is seen that somebody waits, and nobody is offered a turn.
    pub(super) fn enlist(&mut self) -> u32 {
        self.enlisted += 1;
        if let Some(slot) = self.free.pop() {
            return slot;
        }
        self.slots.push(None);
        u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
    }

    /// Gives back the waker before, to be dropped without the lock: what it does then is the executor's.
    pub(super) fn set(&mut self, slot: u32, waker: Waker) -> Option<Waker> {
        self.slots.get_mut(slot as usize)?.replace(waker)
    }

    /// Gives the waker back, if it has not been used.
    pub(super) fn unset(&mut self, slot: u32) -> Option<Waker> {
        self.slots.get_mut(slot as usize)?.take()
    }

    /// The same.
    pub(super) fn leave(&mut self, slot: u32) -> Option<Waker> {
        let waker = self.slots.get_mut(slot as usize)?.take();
        self.free.push(slot);
        self.enlisted -= 1;
        waker
    }

    pub(super) fn count(&self) -> usize {
        self.enlisted
    }

    pub(super) fn is_empty(&self) -> bool {
        self.enlisted == 0
    }

    fn take_one(&mut self) -> Option<Waker> {
        let count = self.slots.len();
        for step in 0..count {
            let slot = (self.cursor + step) % count;
            if let Some(waker) = self.slots[slot].take() {
                self.cursor = (slot + 1) % count;
                return Some(waker);
            }
        }
        None
    }

    pub(super) fn take_all(&mut self) -> Vec<Waker> {
        self.slots.iter_mut().filter_map(Option::take).collect()
    }
}

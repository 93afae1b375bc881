//! The two ends of a flight: who leads and who waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Waker};

use super::Flights;
use super::pulse::{Beat, Pulse, Sign};
use super::state::{Answer, Flight, Phase, SOLO_RUNS, State};
use super::within::{Group, Waiting, Within};
use crate::tier::memory::Probe;

/// The right and the duty to load. Dropping it unfinished, by a panic or a cancelled caller, hands over to a follower.
pub(crate) struct Lead {
    flights: Arc<Flights>,
    flight: Arc<Flight>,
    /// The flight's own turn is another once somebody has taken the lead from this one.
    turn: u32,
    /// Nobody has led it before, so that the pulse in the flight is his.
    first: bool,
    sign: Sign,
    /// It was taken from one who is kept and not polled.
    pub(super) from_lost: bool,
    duty: Duty,
}

/// What who leads is yet to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Duty {
    /// Those who wait are to be told.
    Answer,
    /// Nobody has to be told any more; only the map entry is left to clear.
    Clear,
    /// That has been done too.
    Nothing,
}

impl Lead {
    pub(super) fn new(flights: Arc<Flights>, flight: Arc<Flight>, turn: u32) -> Self {
        Self {
            flights,
            flight,
            turn,
            first: false,
            sign: Sign::None,
            from_lost: false,
            duty: Duty::Answer,
        }
    }

    /// The same of a flight that has just begun.
    pub(super) fn first(flights: Arc<Flights>, flight: Arc<Flight>) -> Self {
        let mut lead = Self::new(flights, flight, 0);
        lead.first = true;
        lead
    }

    /// Whether it is to be told that this was taken from one who is kept and not polled: once a minute for a function.
    pub(crate) fn tells_of_lost(&self) -> bool {
        self.from_lost && self.flights.watch.tells()
    }

    /// The flight, unless the lead has been taken from this one.
    fn led(&self) -> Option<MutexGuard<'_, State>> {
        Some(self.flight.lock()).filter(|state| state.turn() == self.turn)
    }

    pub(crate) fn probe(&self) -> Probe<'_> {
        Probe {
            hash: self.flight.hash,
            bytes: &self.flight.key,
        }
    }

    /// Leads it as one of the keys of a batch, which is polled where `pulse` says so.
    pub(crate) fn join_group(&mut self, group: Group, pulse: &Arc<Pulse>) {
        self.flight.set_group(group.0);
        self.live_by(Sign::Beside(Arc::clone(pulse)));
    }

    /// Shows from now on whether it is polled, and not only once it has had something to wait for.
    pub(super) fn living(mut self) -> Self {
        self.live();
        self
    }

    fn live(&mut self) {
        self.live_by(if self.first {
            Sign::Own
        } else {
            Sign::Beside(Arc::default())
        });
    }

    fn live_by(&mut self, sign: Sign) {
        debug_assert!(
            matches!(self.sign, Sign::None),
            "a lead shows itself in one place"
        );
        self.sign = sign;
        if let Some(mut state) = self.led() {
            state.set_sign(self.sign.clone());
        }
    }

    /// Held while this load is polled.
    pub(crate) fn beat(&self) -> Option<Beat<'_>> {
        self.sign.pulse(&self.flight.pulse).map(Pulse::beat)
    }

    /// This load waits to be woken.
    pub(crate) fn rest(&mut self, waker: &Waker) {
        if matches!(self.sign, Sign::None) {
            self.live();
        }
        if let Some(pulse) = self.sign.pulse(&self.flight.pulse) {
            pulse.rest(waker);
        }
    }

    /// Until this is dropped again, the body of this load is being polled by this thread.
    pub(crate) fn enter(&self) -> Within {
        Within::enter(&self.flight)
    }

    /// Ends this run if nobody waits, and the flight unless others still run for themselves; from then on nobody can
    /// join. Gives this back if somebody waits.
    pub(crate) fn leave_if_alone(mut self) -> Result<(), Self> {
        self.flights.retire(&self.flight, |state| {
            let leads = state.turn() == self.turn;
            if !leads || state.waiters.is_empty() {
                self.duty = Duty::Nothing;
            }
            self.duty == Duty::Nothing && leads && state.leave()
        });
        if self.duty == Duty::Nothing {
            Ok(())
        } else {
            Err(self)
        }
    }

    /// How many wait.
    pub(crate) fn followers(&self) -> usize {
        self.flight.lock().waiters.count()
    }

    /// Gives the answer to all who wait. The flight stays in the map, answering later callers at once, until this
    /// `Lead` is dropped: after the tiers below have been filled.
    pub(crate) fn answer(&mut self, answer: Answer) {
        self.duty = Duty::Clear;
        let Some(mut state) = self.led() else { return };
        // The body has run: whoever comes back to it from the same batch is answered as everybody is.
        self.flight.set_group(0);
        let (woken, before) = state.finish(answer);
        drop(state);
        drop(before);
        wake(woken);
    }

    /// There is nothing that the others could use: they run for themselves.
    pub(crate) fn split(mut self) {
        self.duty = Duty::Clear;
        let Some(mut state) = self.led() else { return };
        let (woken, before) = state.split();
        drop(state);
        drop(before);
        wake(woken);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        // Dropped after all else: what that does is the executor's.
        let _waker = matches!(self.sign, Sign::Own).then(|| self.flight.pulse.end());
        if self.duty == Duty::Nothing {
            return;
        }
        let Some(mut state) = self.led() else { return };
        let woken = if self.duty == Duty::Answer {
            self.flight.set_group(0);
            state.fall()
        } else {
            Vec::new()
        };
        drop(state);
        wake(woken);
        self.flights.retire(&self.flight, |state| {
            matches!(state.phase, Phase::Done(_)) || state.is_abandoned()
        });
    }
}

/// What waiting came to.
pub(crate) enum Turn {
    /// The flight has an answer, and this follower can use it.
    Answered,
    /// The one who led is gone, or had nothing that this caller can use: it is his turn to load.
    Lead(Lead),
}

/// A place among those who wait for a flight.
pub(crate) struct Wait {
    flights: Arc<Flights>,
    pub(super) flight: Arc<Flight>,
    slot: Option<u32>,
    /// Inside of other loads.
    _waiting: Option<Box<Waiting>>,
}

impl Wait {
    pub(super) fn new(flights: Arc<Flights>, flight: Arc<Flight>, waiting: Option<Box<Waiting>>) -> Self {
        // Enlisted at once, so that a leader who looks now sees that somebody waits.
        let slot = Some(flight.lock().waiters.enlist());
        Self {
            flights,
            flight,
            slot,
            _waiting: waiting,
        }
    }

    /// Waits for the answer, or for the turn to lead. `read` is shown an answer, and says whether it is of use. Whoever
    /// finds that it is of none to him loads in the place of the one who gave it, for all who find the same.
    pub(crate) fn poll_turn(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        read: &mut dyn FnMut(&Answer) -> bool,
    ) -> Poll<Turn> {
        let this = self.get_mut();
        let mut useless = None;
        let mut state = this.flight.lock();
        let from_lost = state.take_from_lost(&this.flight.pulse);
        if from_lost {
            this.flight.set_group(0);
        }
        loop {
            let edition = state.edition();
            match &mut state.phase {
                Phase::Done(answer) => {
                    let answer = answer.clone();
                    // What is made of it is the user's `clone`, and ten thousand may wait for the lock.
                    drop(state);
                    if read(&answer) {
                        return Poll::Ready(Turn::Answered);
                    }
                    // It may be the last of it, and the user's.
                    drop(answer);
                    state = this.flight.lock();
                    useless = state.reopen(edition);
                    if useless.is_some() {
                        break;
                    }
                }
                Phase::Vacant => {
                    state.phase = Phase::Running;
                    break;
                }
                Phase::Solo { running } if *running < SOLO_RUNS => {
                    *running += 1;
                    break;
                }
                Phase::Running | Phase::Solo { .. } => {
                    let slot = match this.slot {
                        Some(slot) => slot,
                        None => *this.slot.insert(state.waiters.enlist()),
                    };
                    let before = state.waiters.set(slot, context.waker().clone());
                    drop(state);
                    // A waker may hold a task, and this another who waits.
                    drop(before);
                    this.flights.watch();
                    return Poll::Pending;
                }
            }
        }
        let unused = this.slot.take().and_then(|slot| state.waiters.leave(slot));
        let turn = state.turn();
        drop(state);
        drop((useless, unused));
        let mut lead = Lead::new(Arc::clone(&this.flights), Arc::clone(&this.flight), turn);
        lead.from_lost = from_lost;
        Poll::Ready(Turn::Lead(lead))
    }

    /// Is offered no turn until it is polled again: whoever waits has something else to do first. A turn that it was
    /// woken for passes on.
    pub(crate) fn rest(&self) {
        let Some(slot) = self.slot else { return };
        let mut state = self.flight.lock();
        let unused = state.waiters.unset(slot);
        let woken = state.offer();
        drop(state);
        // A waker may run code of the executor.
        drop(unused);
        wake(woken);
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let Some(slot) = self.slot else { return };
        let mut state = self.flight.lock();
        let unused = state.waiters.leave(slot);
        // A turn that this waiter was woken for passes on.
        let woken = state.offer();
        let over = |state: &mut State| state.is_abandoned() || state.is_given_up();
        let gone = over(&mut state);
        drop(state);
        drop(unused);
        wake(woken);
        if gone {
            self.flights.retire(&self.flight, over);
        }
    }
}

/// Outside of all locks: waking may run code of the executor. Where it panics, the others are woken all the same: nobody
/// would do so again.
pub(super) fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
    }
}

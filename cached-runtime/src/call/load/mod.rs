//! A load, and the answer to those who wait for it; what it looks at before its body is in `look`, what it stores in `keep`.
//!
//! On values whose type is not known here, compiled once for all functions.

mod keep;
mod look;

use std::any::Any;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::again::{Claim, tell};
use super::reloads::Seat;
use super::share::Share;
use crate::caches::function::{Function, Plan};
use crate::entry::{Content, Shared};
use crate::flight::{self, Answer, Beat, Maker, Within};
use crate::key::KeyBytes;
use crate::resilience::Failed;
use crate::store::BoxFuture;
use crate::tier::memory::Probe;
use crate::tier::remote::Permit;
use crate::tier::stamps::Stamp;
pub(crate) use look::{Look, Looking};

/// A fill of the remote tiers.
pub(crate) type Keeping = BoxFuture<'static, ()>;

/// A load under way: everything between the decision to load and the value's being stored.
pub(crate) struct Load {
    function: Arc<Function>,
    role: Role,
    /// Of the key, from before the first look-up.
    stamp: Option<Stamp>,
    began: u64,
    /// What each remote tier gave for filling it.
    pub(super) permits: Vec<Option<Permit>>,
    /// How much longer the caller may be held up by the remote tiers: each has its budget once a call.
    patience: Duration,
    /// Those that could not say whether they may be filled.
    failed: Failed,
    /// The body is running.
    running: bool,
    /// Of one in the background, in which case what is there is to be replaced.
    again: Option<Box<Again>>,
    /// The key of what was found and is to be loaded anew.
    due: Option<Keyed>,
}

/// What a load in the background has beside.
struct Again {
    since: Instant,
    seat: Seat,
}

/// Whose load it is.
pub(super) enum Role {
    /// Past the cache: the body and nothing else, which it does not count.
    Past,
    /// The same of a call that the cache was meant for: of one inside of its own load.
    Off,
    /// Of one caller, which replaces what is there (`Refresh`) or not.
    Alone { key: Box<Keyed>, replace: bool },
    /// Of all who wait for it.
    Flight(flight::Lead),
}

/// A key that a load keeps for itself.
pub(super) struct Keyed {
    hash: u64,
    bytes: KeyBytes,
}

impl Keyed {
    pub(super) fn new(probe: Probe<'_>) -> Self {
        Self {
            hash: probe.hash,
            bytes: KeyBytes::from(probe.bytes),
        }
    }

    fn probe(&self) -> Probe<'_> {
        Probe {
            hash: self.hash,
            bytes: &self.bytes,
        }
    }
}

impl Role {
    fn probe(&self) -> Option<Probe<'_>> {
        match self {
            Self::Past | Self::Off => None,
            Self::Alone { key, .. } => Some(key.probe()),
            Self::Flight(lead) => Some(lead.probe()),
        }
    }
}

impl Load {
    pub(super) fn new(function: Arc<Function>, role: Role) -> Self {
        let stamp = role.probe().map(|probe| function.stamps.now(probe.hash));
        Self {
            role,
            stamp,
            // One count of the whole process, which only memory has a use for.
            began: if function.memory.is_some() {
                Function::begin()
            } else {
                0
            },
            function,
            permits: Vec::new(),
            patience: Duration::ZERO,
            failed: Failed::default(),
            running: false,
            again: None,
            due: None,
        }
    }

    /// A load in the background, of what is there already, which works with what was copied since `stamp`.
    pub(super) fn again(function: Arc<Function>, lead: flight::Lead, stamp: Stamp, seat: Seat) -> Self {
        let mut load = Self::new(function, Role::Flight(lead));
        load.stamp = Some(stamp);
        let since = Instant::now();
        load.again = Some(Box::new(Again { since, seat }));
        load
    }

    /// Ends a load that found what it looked for: in its place another in the background, where that is due.
    pub(super) fn found(mut self) -> Option<Claim> {
        let key = self.due.take()?;
        let function = Arc::clone(&self.function);
        // The flight is over before the next begins.
        drop(self);
        Claim::new(&function, key.probe())
    }

    /// What is there is out of date, whatever comes of this load.
    fn replaces(&self) -> bool {
        self.again.is_some() || self.refreshes()
    }

    /// Nothing was invalidated since it began.
    fn stamp_stands(&self) -> bool {
        let now = self
            .role
            .probe()
            .map(|probe| self.function.stamps.now(probe.hash));
        now == self.stamp
    }

    /// And somebody waits for its being replaced.
    fn refreshes(&self) -> bool {
        matches!(self.role, Role::Alone { replace: true, .. })
    }

    /// The body runs from here on, if it does not yet.
    pub(super) fn begin(&mut self) {
        if self.running {
            return;
        }
        self.running = true;
        let counts = &self.function.counts;
        match self.role {
            Role::Past => return,
            // Nothing was looked for.
            Role::Alone { replace: true, .. } => {}
            _ if self.again.is_some() => counts.reloads.add_one(),
            _ => counts.misses.add_one(),
        }
        counts.loads.add_one();
    }

    /// Held while the body is polled.
    pub(crate) fn enter(&self) -> Option<Within> {
        match &self.role {
            Role::Past | Role::Off | Role::Alone { .. } => None,
            Role::Flight(lead) => Some(lead.enter()),
        }
    }

    /// Held while it is polled, as a sign of life for those who wait.
    pub(super) fn beat(&self) -> Option<Beat<'_>> {
        match &self.role {
            Role::Past | Role::Off | Role::Alone { .. } => None,
            Role::Flight(lead) => lead.beat(),
        }
    }

    /// It waits to be woken.
    pub(super) fn rest(&mut self, waker: &Waker) {
        if let Role::Flight(lead) = &mut self.role {
            lead.rest(waker);
        }
    }

    /// Stores what the body brought, as far as that can be done at once; the rest is to be awaited. `share` copies the
    /// value, if it is to be kept.
    pub(crate) fn keep_value(mut self, value: &dyn Any, share: &dyn Fn() -> Shared) -> Option<Keeping> {
        let plan = self.plan(Some(value));
        if plan.is_none() && self.again.is_none() && self.leave() {
            return None;
        }
        self.keep_as(Content::Value(share()), plan)
    }

    /// The same for the source's word that there is none.
    pub(crate) fn keep_absent(self) -> Option<Keeping> {
        let plan = self.plan(None);
        self.keep_as(Content::Absent, plan)
    }

    /// Whether and for how long what the body returned is kept.
    fn plan(&self, value: Option<&dyn Any>) -> Option<Plan> {
        match self.role {
            Role::Past | Role::Off => None,
            Role::Alone { .. } | Role::Flight(_) => self.function.plan(value),
        }
    }

    /// Ends a load whose value is not kept; `false` if there is more to do, since somebody waits or something was to be
    /// replaced.
    fn leave(&mut self) -> bool {
        match std::mem::replace(&mut self.role, Role::Off) {
            alone @ Role::Alone { replace: true, .. } => {
                self.role = alone;
                return false;
            }
            Role::Past | Role::Off | Role::Alone { .. } => {}
            Role::Flight(lead) => {
                if let Err(lead) = lead.leave_if_alone() {
                    self.role = Role::Flight(lead);
                    return false;
                }
            }
        }
        self.running = false;
        true
    }

    /// Gives the error of the body to the followers as `share` can, and the leader's back.
    pub(crate) fn fail<E>(&mut self, error: E, share: Share<E>) -> E {
        self.running = false;
        self.failed();
        let Role::Flight(lead) = std::mem::replace(&mut self.role, Role::Off) else {
            return error;
        };
        let Err(mut lead) = lead.leave_if_alone() else {
            return error;
        };
        match share.divide(error, lead.followers()) {
            Ok((leaders, maker)) => {
                lead.answer(Answer::Error(Maker::new(maker)));
                leaders
            }
            Err(error) => {
                lead.split();
                error
            }
        }
    }

    /// The body returned an error, which whoever has it tells, or panicked. What is loaded again and again without success is left alone for ten times
    /// as long as that took, so that hits do not keep a failing source busy.
    fn failed(&self) {
        let function = &self.function;
        if matches!(self.role, Role::Past) {
            return;
        }
        function.counts.failed_loads.add_one();
        let (Some(again), Some(probe)) = (&self.again, self.role.probe()) else {
            return;
        };
        let pause = again.since.elapsed().saturating_mul(10);
        if again.seat.pause(pause)
            && let Some(memory) = &function.memory
        {
            memory.pause(probe, pause, |began| began < self.began);
        }
        if std::thread::panicking() {
            tell(function, probe.bytes, "panicked");
        }
    }

    pub(super) fn fill_memory(&self, content: &Content, plan: Plan) {
        if let (Some(stamp), Some(probe)) = (self.stamp, self.role.probe()) {
            self.function.fill_memory(probe, content, plan, stamp, self.began);
        }
    }

    /// Gives what was found to those who wait. Where nobody does the flight is over, and the caller alone has it.
    fn answer_hit(&mut self, content: &Content) {
        self.role = match std::mem::replace(&mut self.role, Role::Off) {
            Role::Flight(lead) => match lead.leave_if_alone() {
                Ok(()) => Role::Off,
                Err(lead) => Role::Flight(lead),
            },
            other => other,
        };
        self.answer(content);
    }

    fn answer(&mut self, content: &Content) {
        if let Role::Flight(lead) = &mut self.role {
            lead.answer(Answer::Content(content.clone()));
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if self.running && std::thread::panicking() {
            self.failed();
        }
    }
}

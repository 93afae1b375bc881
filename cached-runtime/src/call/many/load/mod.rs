//! The loads of a batch: those of its keys that it leads, and what is done with all of them at once.
//!
//! On values whose type is not known here, compiled once for all functions.

mod look;

use std::sync::Arc;
use std::time::Duration;

use super::keep::{self, Kept, Replaced};
use super::keys::Slot;
use super::wait::Waits;
use crate::behind::Behind;
use crate::caches::function::{Function, Plan};
use crate::call::Keeping;
use crate::call::share::Share;
use crate::call::tell_of_lost;
use crate::entry::Content;
use crate::flight::{Answer, Group, Joined, Lead, Maker, Pulse, Within};
use crate::invalidate::{self, Doomed};
use crate::policy::Mode;
use crate::resilience::Failed;
use crate::store::BoxFuture;
use crate::tier::remote::Permit;
use crate::tier::stamps::{Once, Stamp};

/// A look in the remote tiers, which gives the batch back.
pub(super) type Looking = BoxFuture<'static, Box<Many>>;

/// The keys of a batch, and what it is about to find out about some of them.
pub(super) struct Many {
    function: Arc<Function>,
    pub(super) slots: Vec<Slot>,
    group: Group,
    /// Of all that it leads.
    pulse: Arc<Pulse>,
    /// Of these slots it has to find out, and has not begun.
    due: Vec<(usize, Role)>,
    /// Of these it has not found anything yet.
    loads: Vec<Load>,
    began: u64,
    /// How much longer the caller may be held up by the remote tiers.
    patience: Duration,
    /// Those that have not answered it.
    failed: Failed,
    /// The body is running.
    running: bool,
}

/// Whose load it is.
enum Role {
    /// Of one who is inside of the load that he would wait for: nothing is kept.
    Off,
    /// Of this batch alone.
    Alone,
    /// The same, in the place of what is there.
    Replace,
    /// Of all who wait for it.
    Flight(Lead),
}

/// One key on its way.
struct Load {
    slot: usize,
    role: Role,
    /// Of the key, from before the first look-up.
    stamp: Stamp,
    /// As remote tiers have it, where there are any.
    key: String,
    /// What each remote tier gave for filling it.
    permits: Vec<Option<Permit>>,
}

impl Many {
    /// Looks in memory for each, and leads or joins the flights of those that are not there.
    pub(super) fn new(
        function: Arc<Function>,
        mode: Mode,
        slots: Vec<Slot>,
        pulse: &Arc<Pulse>,
    ) -> (Self, Waits) {
        let mut many = Self {
            function,
            slots,
            group: Group::new(),
            pulse: Arc::clone(pulse),
            due: Vec::new(),
            loads: Vec::new(),
            began: 0,
            patience: Duration::ZERO,
            failed: Failed::default(),
            running: false,
        };
        let mut waits = Waits::default();
        for slot in 0..many.slots.len() {
            let role = match mode {
                Mode::Refresh => Role::Replace,
                Mode::Normal | Mode::Off => match many.enter(slot) {
                    None => continue,
                    Some(Joined::Inside) => Role::Off,
                    Some(Joined::Leader(lead)) => many.leading(lead),
                    Some(Joined::Follower(wait)) => {
                        waits.add(slot, wait);
                        continue;
                    }
                },
            };
            many.due.push((slot, role));
        }
        (many, waits)
    }

    /// `None` if memory has it, or if nobody shares a load.
    fn enter(&mut self, slot: usize) -> Option<Joined> {
        let function = &self.function;
        let probe = self.slots[slot].probe();
        if let Some(memory) = &function.memory {
            if let Some(content) = memory.read(&probe) {
                self.slots[slot].content = Some(content);
                return None;
            }
            function.counts.memory_misses.add_one();
        }
        if function.spec.single_flight {
            return Some(function.flights.join_as(probe, Some(self.group)));
        }
        self.due.push((slot, Role::Alone));
        None
    }

    fn leading(&self, mut lead: Lead) -> Role {
        lead.join_group(self.group, &self.pulse);
        Role::Flight(lead)
    }

    /// It is this batch's turn to lead these.
    pub(super) fn lead(&mut self, mut leads: Vec<(usize, Lead)>) {
        leads.sort_unstable_by_key(|(slot, _)| *slot);
        for (slot, lead) in leads {
            tell_of_lost(&self.function, &lead);
            let role = self.leading(lead);
            self.due.push((slot, role));
        }
    }

    /// A follower was told.
    pub(super) fn told(&mut self, slot: usize, content: &Content) {
        self.function.counts.misses.add_one();
        self.slots[slot].content = Some(content.clone());
    }

    /// A follower was told that the load has failed.
    pub(super) fn told_failure(&self) {
        self.function.counts.misses.add_one();
    }

    pub(super) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Something is left for the body.
    pub(super) fn is_loading(&self) -> bool {
        !self.loads.is_empty()
    }

    /// Begins what is due: takes the stamps and looks in memory once more. Whether there are tiers below to look in.
    pub(super) fn begin(&mut self) -> bool {
        if self.function.memory.is_some() {
            self.began = Function::begin();
        }
        self.patience = Duration::ZERO;
        for (slot, role) in std::mem::take(&mut self.due) {
            let probe = self.slots[slot].probe();
            let stamp = self.function.stamps.now(probe.hash);
            if let Some(content) = self.at_hand(slot, &role, stamp) {
                self.found(slot, role, content);
                continue;
            }
            let key = if self.function.remotes.is_empty() {
                String::new()
            } else {
                self.function.full_key(probe.bytes)
            };
            self.loads.push(Load {
                slot,
                role,
                stamp,
                key,
                permits: Vec::new(),
            });
        }
        !self.function.remotes.is_empty() && self.is_loading()
    }

    /// Gives what was found to those who wait. Where nobody does the flight is over, and this batch alone has it.
    fn found(&mut self, slot: usize, role: Role, content: Content) {
        if let Role::Flight(lead) = role
            && let Err(mut lead) = lead.leave_if_alone()
        {
            lead.answer(Answer::Content(content.clone()));
        }
        self.slots[slot].content = Some(content);
    }

    /// What is newer than all that could be found, and than what a load would bring.
    fn pending(&self, behind: &Behind, slot: usize, role: &Role, stamp: Stamp) -> Option<Content> {
        if matches!(role, Role::Off) {
            return None;
        }
        let (content, plan) = behind.pending(self.slots[slot].probe().bytes)?;
        if matches!(role, Role::Replace) {
            invalidate::forget(&self.function, self.slots[slot].probe());
        }
        if let Some(plan) = plan {
            self.fill_memory(slot, stamp, &content, plan);
        }
        Some(content)
    }

    fn fill_memory(&self, slot: usize, stamp: Stamp, content: &Content, plan: Plan) {
        self.function
            .fill_memory(self.slots[slot].probe(), content, plan, stamp, self.began);
    }

    /// The ids that the body is to be run for, those that came first first.
    pub(super) fn missing(&mut self) -> impl Iterator<Item = usize> {
        self.loads.sort_unstable_by_key(|load| load.slot);
        self.loads.iter().map(|load| self.slots[load.slot].id)
    }

    /// The body runs from here on.
    pub(super) fn run(&mut self) {
        self.running = true;
        let looked = |load: &&Load| !matches!(load.role, Role::Replace);
        let misses = self.loads.iter().filter(looked).count();
        self.function.counts.misses.add(misses);
        self.function.counts.loads.add(self.loads.len());
    }

    /// Held while the body is polled.
    pub(super) fn within(&self) -> Within {
        self.group.enter()
    }

    /// Whether and for how long what the body returned for one of them is kept.
    pub(super) fn plan(&self, value: Option<&dyn std::any::Any>) -> Option<Plan> {
        self.function.plan(value)
    }

    /// Stores what the body brought for each of the missing, as far as that can be done at once; the rest is to be
    /// awaited. The leads are held until then: callers who come meanwhile are answered by the flights.
    pub(super) fn keep(&mut self, brought: Vec<(Content, Option<Plan>)>) -> Option<Keeping> {
        self.running = false;
        let (mut kept, mut outdated, mut replaced) = (Vec::new(), Vec::new(), Replaced::by(self.began));
        let mut once = Once::default();
        // Before a `weight` of the user's runs, which may panic.
        let doomed = self.doomed();
        for (load, (content, plan)) in std::mem::take(&mut self.loads).into_iter().zip(brought) {
            match (load.role, plan) {
                (Role::Off, _) | (Role::Alone, None) => {}
                (Role::Replace, _) if self.function.leaves_to_pending(self.slots[load.slot].probe()) => {}
                (role, Some(plan)) => {
                    let probe = self.slots[load.slot].probe();
                    let stands = if matches!(role, Role::Replace) {
                        let moved = once.replace(&self.function.stamps, probe.hash, Some(load.stamp));
                        replaced.add(self.slots[load.slot].key(), moved);
                        self.function
                            .replace_in_memory(probe, &content, plan, moved, self.began);
                        moved.is_some()
                    } else {
                        self.fill_memory(load.slot, load.stamp, &content, plan);
                        self.function.stamps.now(probe.hash) == load.stamp
                    };
                    if stands {
                        self.function.has_another(probe, false);
                    }
                    let replaces = matches!(role, Role::Replace) && !self.function.remotes.is_empty();
                    let lead = match role {
                        Role::Flight(mut lead) => {
                            lead.answer(Answer::Content(content.clone()));
                            Some(lead)
                        }
                        Role::Off | Role::Alone | Role::Replace => None,
                    };
                    if replaces || load.permits.iter().any(Option::is_some) {
                        let one = Kept::new(load.key, content.clone(), plan, load.permits);
                        kept.push(one.led(lead).replacing(replaces));
                    }
                }
                (Role::Flight(lead), None) => {
                    if let Err(mut lead) = lead.leave_if_alone() {
                        lead.answer(Answer::Content(content.clone()));
                    }
                }
                (Role::Replace, None) => outdated.push(self.slots[load.slot].key()),
            }
            self.slots[load.slot].content = Some(content);
        }
        let failed = std::mem::take(&mut self.failed);
        keep::below(
            &self.function,
            kept,
            replaced,
            doomed,
            outdated,
            self.patience,
            failed,
        )
    }

    /// What is to be left nowhere, for it is replaced.
    fn doomed(&self) -> Doomed {
        let replaces = |load: &&Load| matches!(load.role, Role::Replace);
        let slots = self
            .loads
            .iter()
            .filter(replaces)
            .map(|load| &self.slots[load.slot]);
        let slots = slots.filter(|slot| !self.function.is_pending(slot.probe()));
        let keys = slots.map(Slot::key).collect();
        Doomed::of(&self.function, keys)
    }

    /// Gives the error of the body to the followers of all of them as `share` can, and the caller's back. Where it
    /// cannot, whoever waited longest for one of them leads it: his own error may be one that can be shared.
    pub(super) fn fail<E>(&mut self, error: E, share: Share<E>) -> E {
        self.running = false;
        self.function.counts.failed_loads.add(self.loads.len());
        let loads = std::mem::take(&mut self.loads);
        let leads = loads.into_iter().filter_map(|load| match load.role {
            Role::Flight(lead) => lead.leave_if_alone().err(),
            Role::Off | Role::Alone | Role::Replace => None,
        });
        let leads: Vec<Lead> = leads.collect();
        if leads.is_empty() {
            return error;
        }
        let followers = leads.iter().map(Lead::followers).sum();
        match share.divide(error, followers) {
            Ok((leaders, maker)) => {
                let maker = Maker::new(maker);
                for mut lead in leads {
                    lead.answer(Answer::Error(maker.clone()));
                }
                leaders
            }
            Err(error) => error,
        }
    }
}

impl Drop for Many {
    fn drop(&mut self) {
        if self.running && std::thread::panicking() {
            self.function.counts.failed_loads.add(self.loads.len());
        }
    }
}

//! A load: the fill and the answer to those who wait; what it looks at before its body is in `look`.
//!
//! On values whose type is not known here, compiled once for all functions.

mod look;

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::again::{Claim, tell};
use super::share::Share;
use crate::caches::function::{Function, Plan};
use crate::entry::{Content, Shared};
use crate::flight::{self, Answer, Maker, Within};
use crate::invalidate::{self, Doomed};
use crate::key::KeyBytes;
use crate::resilience::{Failed, Guarded};
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
    /// Of one in the background: since when it is under way, in which case what is there is to be replaced.
    again: Option<Instant>,
    /// The key of what was found and is to be loaded anew.
    due: Option<Keyed>,
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

    /// A load in the background, of what is there already.
    pub(super) fn again(function: Arc<Function>, lead: flight::Lead) -> Self {
        let mut load = Self::new(function, Role::Flight(lead));
        load.again = Some(Instant::now());
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

    /// What it finds may have to be loaded anew in the background.
    pub(super) fn reloads(&self) -> bool {
        self.function.spec.reloads()
    }

    /// What is there is out of date, whatever comes of this load.
    fn replaces(&self) -> bool {
        self.again.is_some() || self.refreshes()
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

    /// Fills memory as `plan` says and answers the followers. The lead is held until the remote tiers are filled too:
    /// callers who come meanwhile are answered by the flight. Where that takes longer than the caller can be made to
    /// wait, it goes on in the background.
    fn keep_as(mut self, content: Content, plan: Option<Plan>) -> Option<Keeping> {
        self.running = false;
        if let Some(plan) = plan {
            self.keep_in_memory(&content, plan);
        }
        self.answer(&content);
        let Some(plan) = plan else {
            return self.replace_by_nothing();
        };
        self.supersede();
        let doomed = self.doomed();
        if doomed.is_none() && self.permits.iter().all(Option::is_none) {
            return None;
        }
        let (patience, background) = (self.patience, self.function.background.clone());
        let the_rest_follows = self.function.fills_below_later();
        let filling: Keeping = Box::pin(async move {
            let Some(probe) = self.role.probe() else { return };
            let key = self.function.full_key(probe.bytes);
            let (permits, failed) = (&self.permits, &mut self.failed);
            let untaken = fill_remotes(&self.function, &key, &content, plan, permits, failed).await;
            if let Some(doomed) = doomed {
                invalidate::from_stores(untaken, &[key], failed).await;
                doomed.settled();
            }
            self.supersede();
        });
        if the_rest_follows {
            background.spawn(filling);
            return None;
        }
        Some(Box::pin(
            async move { background.patiently(patience, filling).await },
        ))
    }

    /// What a refresh is to leave in no remote tier.
    fn doomed(&self) -> Option<Doomed> {
        let probe = self.role.probe().filter(|_| self.refreshes())?;
        let keys = vec![self.function.full_key(probe.bytes)];
        (!self.function.remotes.is_empty()).then(|| Doomed::of(&self.function, keys))
    }

    /// Nobody joins a load any more that may have begun before one that has replaced what is there.
    fn supersede(&self) {
        if let Role::Alone { key, replace: true } = &self.role {
            self.function.flights.detach(key.probe());
        }
    }

    /// Removes what was to be replaced by what is not kept: it is out of date.
    fn replace_by_nothing(mut self) -> Option<Keeping> {
        self.replaces().then(|| -> Keeping {
            Box::pin(async move {
                if let Some(probe) = self.role.probe() {
                    invalidate::remove(&self.function, probe, &mut self.failed).await;
                }
            })
        })
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
        let (Some(since), Some(probe)) = (self.again, self.role.probe()) else {
            return;
        };
        if let Some(memory) = &function.memory {
            memory.pause(probe, since.elapsed().saturating_mul(10));
        }
        if std::thread::panicking() {
            tell(function, probe.bytes, "panicked");
        }
    }

    fn keep_in_memory(&self, content: &Content, plan: Plan) {
        match (self.stamp, self.role.probe()) {
            (Some(stamp), Some(probe)) if self.refreshes() => {
                self.function
                    .replace_in_memory(probe, content, plan, stamp, self.began);
            }
            _ => self.fill_memory(content, plan),
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

    /// Copies an entry into the remote tiers above the one it was found in, in the background.
    pub(super) fn backfill(&mut self, key: String, content: &Content, plan: Plan) {
        let permits = std::mem::take(&mut self.permits);
        if permits.iter().all(Option::is_none) {
            return;
        }
        let function = Arc::clone(&self.function);
        let content = content.clone();
        self.function.background.spawn(async move {
            fill_remotes(&function, &key, &content, plan, &permits, &mut Failed::default()).await;
        });
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if self.running && std::thread::panicking() {
            self.failed();
        }
    }
}

/// Fills each remote tier that gave a permit. Says in which of them there may still be what was there before.
async fn fill_remotes<'f>(
    function: &'f Function,
    key: &str,
    content: &Content,
    plan: Plan,
    permits: &[Option<Permit>],
    failed: &mut Failed,
) -> Vec<&'f Arc<Guarded>> {
    let sealed = function
        .form(true)
        .and_then(|form| form.seal(key, content, &plan).ok());
    let mut untaken = Vec::new();
    for (remote, permit) in function.remotes.iter().zip(permits) {
        let taken = match (&sealed, permit) {
            (Some(sealed), Some(permit)) => {
                let filled = remote.fill(key, sealed, &plan, permit).await;
                failed.note(&remote.guarded, &filled);
                filled.is_ok()
            }
            _ => false,
        };
        if !taken {
            untaken.push(&remote.guarded);
        }
    }
    untaken
}

//! The memory tier of one function: an engine, a clock and the stamps.
//!
//! Called by the call path, by fills and by invalidations. Knows neither functions nor other tiers. What it promises:
//! once [`remove`](Memory::remove), [`remove_if`](Memory::remove_if) or [`clear`](Memory::clear) has returned, no
//! record that was stamped before is ever read again.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{AtomicTick, Clock, Tick};
use crate::entry::{Aging, Content, Held, Idle, Rest, Seen, Shared, Wants};
use crate::plan::Plan;
use crate::stores::local::Local;
#[cfg(feature = "moka")]
use crate::stores::moka::Moka;
pub(crate) use crate::tier::sought::{Probe, Sought};
use crate::tier::stamps::{Stamp, Stamps};

/// What a look comes to that waits for nobody and does nothing but take along what is there.
pub(crate) enum Glance<R> {
    Hit(R),
    Miss,
    /// It takes more than that to say.
    Unsure,
}

/// How much a memory tier may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Entries(u64),
    /// By weight; no record counts less than `least`, which bounds their number too.
    Bytes {
        bytes: u64,
        least: u64,
    },
}

/// What a fill brings.
pub(crate) struct Fill {
    pub(crate) content: Content,
    pub(crate) plan: Plan,
    pub(crate) began: u64,
    /// As the user's `weight` has it; counted only in a tier bound by bytes.
    pub(crate) weight: u64,
}

enum Engine {
    Local(Local),
    #[cfg(feature = "moka")]
    Moka(Moka),
}

/// Calls the same method of whichever engine it is: they have one shape.
macro_rules! each {
    ($engine:expr, $it:ident => $call:expr) => {
        match $engine {
            Engine::Local($it) => $call,
            #[cfg(feature = "moka")]
            Engine::Moka($it) => $call,
        }
    };
}

/// Tells the tiers below of a read, and how long the entry may live at most.
pub(crate) type Tell = Box<dyn Fn(Probe<'_>, Option<Duration>) + Send + Sync>;

pub(crate) struct Memory {
    name: &'static str,
    engine: Engine,
    bound: Bound,
    /// The longest life a record has here, whatever it was filled for.
    ttl: Option<Duration>,
    clock: Clock,
    stamps: Arc<Stamps>,
    tell: Option<Tell>,
    /// Every read is more than a hit, since it is what keeps the record.
    reads_keep: bool,
}

impl Memory {
    /// The names of the engines compiled in.
    pub(crate) const NAMES: &'static [&'static str] = &[
        "local",
        #[cfg(feature = "moka")]
        "moka",
    ];

    pub(crate) fn new(
        name: &str,
        bound: Bound,
        ttl: Option<Duration>,
        clock: Clock,
        stamps: Arc<Stamps>,
    ) -> Self {
        let (name, engine) = match name {
            #[cfg(feature = "moka")]
            "moka" => ("moka", Engine::Moka(Moka::new(bound))),
            _ => ("local", Engine::Local(Local::new(bound))),
        };
        Self {
            name,
            engine,
            bound,
            ttl,
            clock,
            stamps,
            tell: None,
            reads_keep: false,
        }
    }

    /// The same for a function whose records live for as long as they are read.
    pub(crate) fn kept_by_reads(self, reads_keep: bool) -> Self {
        Self { reads_keep, ..self }
    }

    /// The same for a chain in which the tiers below are to know of reads.
    pub(crate) fn telling(self, tell: Tell) -> Self {
        Self {
            tell: Some(tell),
            ..self
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Whether reading an entry may drop others, and so run the `drop` of values.
    pub(crate) fn drops_in_reads(&self) -> bool {
        match &self.engine {
            Engine::Local(_) => false,
            #[cfg(feature = "moka")]
            Engine::Moka(_) => true,
        }
    }

    /// The value that is kept for a key, if it is served; whether it is kept that there is none goes to `absent`. As
    /// [`read`](Self::read), but written out for `local`: a hit is not to pay for a call, nor for what it would hand on, nor for
    /// the room in memory that what was read would wait in.
    #[expect(clippy::inline_always, reason = "a hit pays for each call on its way")]
    #[inline(always)]
    pub(crate) fn value(&self, sought: impl Sought, absent: &mut bool) -> Option<Shared> {
        match &self.engine {
            Engine::Local(local) => {
                let now = self.clock.now();
                let (found, wants) = local.read(sought, now, |content| value(content, absent))?;
                if wants == Wants::NOTHING {
                    found
                } else {
                    self.told(found, sought, wants, now)
                }
            }
            #[cfg(feature = "moka")]
            Engine::Moka(_) => value(&sought.probed(|probe| self.read(&probe))?, absent),
        }
    }

    /// Tells the tiers below of what has just been read, which is handed through: kept here meanwhile, and not by every hit.
    #[cold]
    #[inline(never)]
    fn told(&self, found: Option<Shared>, sought: impl Sought, wants: Wants, now: Tick) -> Option<Shared> {
        sought.probed(|probe| self.tell(&probe, wants, now));
        found
    }

    /// The same at a glance: where hits are many, most end here. Nothing is called on the way, so that nothing has to be put aside for the
    /// time after a call: a lock waits for every store before it.
    #[expect(clippy::inline_always, reason = "a hit pays for each call on its way")]
    #[inline(always)]
    pub(crate) fn glance(&self, sought: impl Sought, absent: &mut bool) -> Glance<Option<Shared>> {
        match &self.engine {
            Engine::Local(local) => match self.clock.kept() {
                Some(now) if !self.reads_keep => local.glance(sought, now, |content| value(content, absent)),
                _ => Glance::Unsure,
            },
            #[cfg(feature = "moka")]
            Engine::Moka(_) => Glance::Unsure,
        }
    }

    /// What is kept for a key, if it is served.
    pub(crate) fn read(&self, probe: &Probe<'_>) -> Option<Content> {
        Some(self.read_aging(probe)?.0)
    }

    /// The same for a key that was not there a moment ago, which does not count as asked for once more.
    pub(crate) fn read_again(&self, probe: &Probe<'_>) -> Option<Content> {
        #[cfg(feature = "moka")]
        if let Engine::Moka(moka) = &self.engine
            && !moka.has(probe)
        {
            return None;
        }
        self.read(probe)
    }

    /// The same, and says whether the record is to be reloaded.
    #[inline(never)]
    pub(crate) fn read_aging(&self, probe: &Probe<'_>) -> Option<(Content, bool)> {
        let now = self.clock.now();
        let (found, wants) = each!(&self.engine, it => it.read(*probe, now, Content::clone))?;
        if wants != Wants::NOTHING {
            self.tell(probe, wants, now);
        }
        Some((found, wants.has(Wants::RELOAD)))
    }

    /// Tells the tiers below of a read, if it is time for that, and the clock of many.
    #[cold]
    fn tell(&self, probe: &Probe<'_>, wants: Wants, now: Tick) {
        if wants.has(Wants::SAMPLE) {
            self.clock.sample();
        }
        if let Some(tell) = self.tell.as_ref().filter(|_| wants.has(Wants::TELL))
            && let Some(over) = self.over(probe)
        {
            tell(*probe, over.since(now));
        }
    }

    /// Removes the record of a key, unless it is of the load of that number; the stamps have been moved on before.
    pub(crate) fn remove_others(&self, probe: Probe<'_>, began: u64) {
        #[cfg(feature = "moka")]
        if let Engine::Moka(moka) = &self.engine {
            moka.settle(&probe);
        }
        let is_another = |seen: &Seen<'_>| Some(seen.rest.began != began);
        if each!(&self.engine, it => it.peek(&probe, is_another)) == Some(true) {
            self.remove(probe);
        }
    }

    /// The number of the load of what is there.
    #[cfg(test)]
    pub(super) fn began(&self, probe: Probe<'_>) -> Option<u64> {
        each!(&self.engine, it => it.peek(&probe, |seen| Some(seen.rest.began)))
    }

    /// When the entry of a key is over in every tier, however often it is read.
    fn over(&self, probe: &Probe<'_>) -> Option<Tick> {
        let over = |seen: &Seen<'_>| Some(seen.rest.aging.as_ref()?.idle.as_ref()?.over);
        each!(&self.engine, it => it.peek(probe, over))
    }

    /// What is there, if a hit would not reload it. No hit, which has been counted already.
    pub(crate) fn settled(&self, probe: Probe<'_>) -> Option<Content> {
        let now = self.clock.now();
        let settled = |seen: &Seen<'_>| seen.is_settled(now).then(|| seen.content.clone());
        each!(&self.engine, it => it.peek(&probe, settled))
    }

    /// Nobody reloads the record for as long as `pause` lasts, if it is of a load that is `meant`.
    pub(crate) fn pause(&self, probe: Probe<'_>, pause: Duration, meant: impl Fn(u64) -> bool) {
        let until = self.clock.now().after(pause);
        each!(&self.engine, it => it.peek(&probe, |seen| {
            let aging = seen.rest.aging.as_ref().filter(|_| meant(seen.rest.began))?;
            aging.pause.set(until);
            Some(())
        }));
    }

    /// How long a record that is served stays fresh, if there is one: [`Duration::MAX`] if it has no end.
    pub(crate) fn remaining(&self, probe: Probe<'_>) -> Option<Duration> {
        let now = self.clock.now();
        let end = each!(&self.engine, it => it.peek(&probe, |seen| seen.end(now)))?;
        Some(end.since(now).unwrap_or(Duration::MAX))
    }

    /// Keeps what a load brought, unless the key was invalidated since `stamp` or a later load has filled it.
    pub(crate) fn fill(&self, probe: Probe<'_>, fill: Fill, stamp: Stamp) -> bool {
        if fill.plan.is_over() || self.ttl.is_some_and(|ttl| ttl.is_zero()) {
            return false;
        }
        let weight = match self.bound {
            Bound::Entries(_) => 1,
            Bound::Bytes { least, .. } => fill.weight.max(least).max(1),
        };
        let (due, aging) = self.life(&fill.plan);
        let began = fill.began;
        let held = Held {
            content: fill.content,
            due,
            rest: Rest { began, weight, aging },
        };
        let admit = |present: Option<u64>| {
            self.stamps.now(probe.hash) == stamp && present.is_none_or(|present| present <= began)
        };
        each!(&self.engine, it => it.insert(probe, held, admit))
    }

    /// When reading a record is more than a hit, and what it is then. The tier's own ttl is the end of it: this is how
    /// long memory is trusted at all.
    fn life(&self, plan: &Plan) -> (Tick, Option<Box<Aging>>) {
        let now = self.clock.now();
        let end = |span: Option<Duration>| span.map_or(Tick::NEVER, |span| now.after(span));
        let gone = end(plan.whole_left()).min(end(self.ttl));
        let (stale, refresh) = (end(plan.ttl).min(gone), end(plan.refresh));
        let reload = if stale < gone { refresh.min(stale) } else { refresh };
        if plan.idle.is_none() && reload >= gone {
            return (gone, None);
        }
        let idle = plan.idle.map(|span| Idle {
            span,
            over: end(plan.whole_left()),
            read: AtomicTick::new(now),
            told: AtomicTick::new(now),
        });
        // Every read counts where it is what keeps the record.
        let due = if idle.is_some() { Tick::ALWAYS } else { reload };
        let aging = Aging {
            stale,
            gone,
            reload,
            pause: AtomicTick::new(Tick::ALWAYS),
            idle,
        };
        (due, Some(Box::new(aging)))
    }

    /// Removes one record; the stamp has been moved on before.
    pub(crate) fn remove(&self, probe: Probe<'_>) -> bool {
        each!(&self.engine, it => it.remove(probe))
    }

    /// Removes the records that `doomed` names; the stamps have been moved on before.
    pub(crate) fn remove_if(&self, doomed: impl FnMut(&[u8]) -> bool) -> u64 {
        each!(&self.engine, it => it.remove_if(doomed))
    }

    pub(crate) fn clear(&self) {
        each!(&self.engine, it => it.clear());
    }

    /// Records held, those past their life included until they are evicted or replaced.
    pub(crate) fn len(&self) -> u64 {
        each!(&self.engine, it => it.len())
    }

    pub(crate) fn hits(&self) -> u64 {
        each!(&self.engine, it => it.hits())
    }

    pub(crate) fn evictions(&self) -> u64 {
        each!(&self.engine, it => it.evictions())
    }
}

/// A clone of the value, if there is one.
#[inline]
fn value(content: &Content, absent: &mut bool) -> Option<Shared> {
    match content {
        Content::Value(value) => Some(Arc::clone(value)),
        Content::Absent => {
            *absent = true;
            None
        }
    }
}

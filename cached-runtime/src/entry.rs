//! What is kept for a key: the record that memory tiers hold and that flights hand around.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{AtomicTick, Tick};

/// A value whose type only the function's own code knows. One copy is shared by the memory tier and a flight's followers.
pub(crate) type Shared = Arc<dyn Any + Send + Sync>;

/// What a load brought: a value, or the source's word that there is none.
#[derive(Clone)]
pub(crate) enum Content {
    Value(Shared),
    Absent,
}

impl Content {
    /// Whether it is of use to one who can return that there is none only if `absent` says so.
    pub(crate) fn is_for(&self, absent: bool) -> bool {
        absent || matches!(self, Self::Value(_))
    }
}

/// The record of a memory tier.
pub(crate) struct Held {
    pub(crate) content: Content,
    /// The first moment at which reading it is more than a hit: for most records, the one at which they are gone.
    pub(crate) due: Tick,
    pub(crate) rest: Rest,
}

/// What only fills, evictions and reads that are more than a hit ask for.
pub(crate) struct Rest {
    /// When its load began, in the order of all loads: an older load never replaces a newer one's value.
    pub(crate) began: u64,
    /// What it counts against the tier's bound; never zero, since nothing that weighs nothing is evicted.
    pub(crate) weight: u64,
    /// Of one that goes otherwise than all at once.
    pub(crate) aging: Option<Box<Aging>>,
}

/// A record where an engine has it.
pub(crate) struct Seen<'a> {
    pub(crate) content: &'a Content,
    pub(crate) due: Tick,
    pub(crate) rest: &'a Rest,
}

/// How a record goes that is reloaded, or that lives for as long as it is read.
pub(crate) struct Aging {
    /// From here on it is out of date.
    pub(crate) stale: Tick,
    /// From here on it is not served.
    pub(crate) gone: Tick,
    /// From here on a hit reloads it.
    pub(crate) reload: Tick,
    /// No reload before; moved on by those that fail.
    pub(crate) pause: AtomicTick,
    pub(crate) idle: Option<Idle>,
}

/// A life that begins anew with each read.
pub(crate) struct Idle {
    pub(crate) span: Duration,
    /// From here on the entry is over in every tier, however long this one keeps it.
    pub(crate) over: Tick,
    /// The last read.
    pub(crate) read: AtomicTick,
    /// The last read of which the tiers below have been told.
    pub(crate) told: AtomicTick,
}

/// The tiers below are told of a read once in this part of `idle`.
pub(crate) const TELLS: u32 = 4;

/// What a hit asks for beside being one: nearly always nothing, which one register says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wants(u8);

impl Wants {
    pub(crate) const NOTHING: Self = Self(0);
    /// A load in the background.
    pub(crate) const RELOAD: Self = Self(1);
    /// That the tiers below are told of it.
    pub(crate) const TELL: Self = Self(1 << 1);
    /// That the clock is told of so many more hits.
    pub(crate) const SAMPLE: Self = Self(1 << 2);

    /// These and `more`, if `so`.
    #[inline]
    pub(crate) fn and_if(self, so: bool, more: Self) -> Self {
        if so { Self(self.0 | more.0) } else { self }
    }

    #[inline]
    pub(crate) fn has(self, some: Self) -> bool {
        self.0 & some.0 != 0
    }
}

impl Aging {
    /// A hit starts a reload now.
    fn reloads(&self, now: Tick) -> bool {
        now >= self.reload && now >= self.pause.get()
    }
}

impl Held {
    #[cfg(feature = "moka")]
    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen {
            content: &self.content,
            due: self.due,
            rest: &self.rest,
        }
    }
}

impl Seen<'_> {
    /// What comes of a read that is `due`: nothing if the record is gone. Out of line, since most reads are not.
    #[cold]
    #[inline(never)]
    pub(crate) fn late(&self, now: Tick) -> Option<Wants> {
        let aging = self.rest.aging.as_ref()?;
        if now >= aging.gone {
            return None;
        }
        let mut wants = Wants::NOTHING.and_if(aging.reloads(now), Wants::RELOAD);
        if let Some(idle) = &aging.idle {
            if now >= idle.read.get().after(idle.span) {
                return None;
            }
            idle.read.set(now);
            let told = idle.told.get();
            let tells = now >= told.after(idle.span / TELLS) && idle.told.replace(told, now);
            wants = wants.and_if(tells, Wants::TELL);
        }
        Some(wants)
    }

    /// It is served, and a hit would not reload it: somebody has just done that, or tried to.
    pub(crate) fn is_settled(&self, now: Tick) -> bool {
        self.end(now).is_some() && self.rest.aging.as_ref().is_none_or(|aging| !aging.reloads(now))
    }

    /// The moment from which on it is out of date or not served; `None` if it is not served any more.
    pub(crate) fn end(&self, now: Tick) -> Option<Tick> {
        let Some(aging) = &self.rest.aging else {
            return (now < self.due).then_some(self.due);
        };
        let (mut end, mut gone) = (aging.stale, aging.gone);
        if let Some(idle) = &aging.idle {
            let unread = idle.read.get().after(idle.span);
            (end, gone) = (end.min(unread), gone.min(unread));
        }
        (now < gone).then_some(end)
    }
}

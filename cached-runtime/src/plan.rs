//! For how long a value is kept, from now on: decided when it is loaded, and told again by the tier it is found in.

use std::time::Duration;

use crate::policy::Spec;

/// What is left of an entry's life, and how it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Fresh for so long; `None`: until evicted or removed.
    pub(crate) ttl: Option<Duration>,
    /// Served for so long after that, while it is reloaded.
    pub(crate) stale: Duration,
    /// A hit reloads it from then on.
    pub(crate) refresh: Option<Duration>,
    /// Gone once nobody has read it for so long.
    pub(crate) idle: Option<Duration>,
    /// What `ttl` was when the value was loaded.
    pub(crate) whole: Option<Duration>,
    /// How long ago that was.
    pub(crate) age: Duration,
}

impl Plan {
    /// All at once after `ttl`.
    pub(crate) const fn plain(ttl: Option<Duration>) -> Self {
        Self {
            ttl,
            stale: Duration::ZERO,
            refresh: None,
            idle: None,
            whole: ttl,
            age: Duration::ZERO,
        }
    }

    /// Of a value that has just been loaded and is fresh for `ttl`.
    pub(crate) fn of_value(spec: &Spec, ttl: Option<Duration>) -> Self {
        Self {
            stale: ttl.and(spec.stale).unwrap_or_default(),
            refresh: spec.refresh.and_then(|refresh| refresh.age(ttl)),
            idle: spec.idle,
            ..Self::plain(ttl)
        }
    }

    /// Until it is gone, if nobody reads it.
    pub(crate) fn unread(&self) -> Option<Duration> {
        match (self.whole_left(), self.idle) {
            (Some(left), Some(idle)) => Some(left.min(idle)),
            (left, idle) => left.or(idle),
        }
    }

    /// Until it is gone, however often it is read.
    pub(crate) fn whole_left(&self) -> Option<Duration> {
        self.ttl.map(|ttl| ttl.saturating_add(self.stale))
    }

    /// Nothing of it is left, not even for those who take what is stale.
    pub(crate) fn is_over(&self) -> bool {
        self.unread() == Some(Duration::ZERO)
    }

    /// A hit reloads it already.
    pub(crate) fn is_due(&self) -> bool {
        self.ttl == Some(Duration::ZERO) || self.refresh == Some(Duration::ZERO)
    }

    /// The same in a tier where nothing is fresh for longer than `most`.
    pub(crate) fn at_most(self, most: Option<Duration>) -> Self {
        let ttl = match (self.ttl, most) {
            (Some(wanted), Some(most)) => Some(wanted.min(most)),
            (wanted, most) => wanted.or(most),
        };
        Self { ttl, ..self }
    }
}

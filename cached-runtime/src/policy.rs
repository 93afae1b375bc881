//! What the attribute decided for a function: plain data, made while compiling.

use std::ops::Deref;
use std::time::Duration;

use crate::codec::Codec;
use crate::key::Piece;

/// Everything about a cached function that does not depend on its types. Built by the attribute in a `static`.
pub struct Spec {
    /// The function's own name.
    pub function: &'static str,
    /// The full name of a function inside it, which names the module, function or type it stands in.
    pub path: fn() -> &'static str,
    /// The file it stands in.
    pub file: &'static str,
    /// The line it stands in.
    pub line: u32,
    /// `name`; without it, the path of the function.
    pub name: Option<&'static str>,
    /// `key`; without it, the path of the function and every value.
    pub template: Option<&'static [Piece]>,
    /// How many values a key has.
    pub values: usize,
    /// `ttl`, where it is a literal.
    pub ttl: Option<Duration>,
    /// `jitter`, in parts per million.
    pub jitter: u32,
    /// `none_ttl`.
    pub none_ttl: Option<Duration>,
    /// `idle`: how long an entry lives that nobody reads.
    pub idle: Option<Duration>,
    /// `refresh`, or what `strategy = "refresh_ahead"` says.
    pub refresh: Option<Refresh>,
    /// `stale`.
    pub stale: Option<Duration>,
    /// `backend`, the chain of stores by name.
    pub backend: Option<&'static [&'static str]>,
    /// `tier(...)`, one for each.
    pub tiers: &'static [TierSpec<'static>],
    /// `capacity`, in entries.
    pub capacity: Option<u64>,
    /// `max_bytes`.
    pub max_bytes: Option<u64>,
    /// `single_flight`: whether callers share a load.
    pub single_flight: bool,
    /// `codec`.
    pub codec: Option<Codec>,
    /// `version`.
    pub version: u32,
    /// `compress`: from how many bytes on.
    pub compress: Option<usize>,
    /// `strategy`.
    pub strategy: Strategy,
    /// Every tier is memory, so that the value's type needs no codec.
    pub memory_only: bool,
}

impl Spec {
    /// The defaults, for a function of this name and place.
    pub const fn new(
        function: &'static str,
        path: fn() -> &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        Self {
            function,
            path,
            file,
            line,
            name: None,
            template: None,
            values: 0,
            ttl: None,
            jitter: 0,
            none_ttl: None,
            idle: None,
            refresh: None,
            stale: None,
            backend: None,
            tiers: &[],
            capacity: None,
            max_bytes: None,
            single_flight: true,
            codec: None,
            version: 0,
            compress: None,
            strategy: Strategy::CacheAside,
            memory_only: false,
        }
    }

    /// Whether a hit may start a run of the body in the background.
    pub(crate) fn reloads(&self) -> bool {
        self.refresh.is_some() || self.stale.is_some()
    }

    /// Whether reading an entry may be more than a hit.
    pub(crate) fn ages(&self) -> bool {
        self.idle.is_some() || self.reloads()
    }
}

/// What was decided for a cache: while compiling, or when it was made by name.
pub(crate) enum Decided {
    Compiled(&'static Spec),
    Built(Box<Spec>),
}

impl Deref for Decided {
    type Target = Spec;

    fn deref(&self) -> &Spec {
        match self {
            Self::Compiled(spec) => spec,
            Self::Built(spec) => spec,
        }
    }
}

/// From what age on a hit reloads its entry in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// A part of the entry's ttl, in parts per million.
    Part(u32),
    /// An age.
    Age(Duration),
}

impl Refresh {
    /// The age of an entry of this `ttl`; `None` if it is never reached.
    pub(crate) fn age(self, ttl: Option<Duration>) -> Option<Duration> {
        match self {
            Self::Age(age) => Some(age),
            Self::Part(part) => {
                let part = ttl?.as_nanos().saturating_mul(part.into()) / 1_000_000;
                Some(Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX)))
            }
        }
    }
}

/// `tier(...)`: the settings of one tier of a chain.
pub struct TierSpec<'a> {
    /// Which.
    pub store: &'a str,
    /// The longest life of an entry there.
    pub ttl: Option<Duration>,
    /// Bound in entries, for memory.
    pub capacity: Option<u64>,
    /// Bound in bytes, for memory.
    pub max_bytes: Option<u64>,
}

impl<'a> TierSpec<'a> {
    /// The function's own settings.
    pub const fn new(store: &'a str) -> Self {
        Self {
            store,
            ttl: None,
            capacity: None,
            max_bytes: None,
        }
    }
}

/// What becomes of a cached value when its source is written, by a function under [`#[update]`](macro@crate::update) or by
/// [`update`](crate::Entry::update) and [`write_behind`](crate::Entry::write_behind) of its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// Once the source has been written the entry is removed from every tier, and the next read loads.
    #[default]
    CacheAside,
    /// Once the source has been written the new value is put into every tier, before the writer returns.
    WriteThrough,
    /// The new value is put into the tiers at once, and the source is written later.
    WriteBehind,
    /// As [`CacheAside`](Self::CacheAside); reads of an entry that has grown old have it loaded anew in the background.
    RefreshAhead,
}

/// How a call treats what is cached: see [`with_mode`](crate::with_mode). It is about what is read: `#[invalidate]`,
/// `#[update]` and the methods of an [`Entry`](crate::Entry) other than its loads do the same under each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Mode {
    /// Look up, load on a miss, store.
    #[default]
    Normal,
    /// Do not look up: load anew and store the result in place of what is there. The value of a write that waits under
    /// `write_behind` is newer than the source, and is returned as it is. A store that does not take the result has the
    /// entry removed, now or once it can be reached. The statistics count a load, and no miss.
    Refresh,
    /// No cache at all: neither look up nor store nor share a load, and the statistics count nothing. What a writer under
    /// `write_behind` has not given to the source yet is not seen.
    Off,
}

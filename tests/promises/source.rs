//! A source whose values are versions: a reader can tell how old what it got is.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::sleep;

use crate::stops::Stops;

pub(crate) const KEYS: usize = 4;

/// Where a read can be held: it has seen its version, and not yet returned it.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct HasRead;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failed;

#[derive(Default)]
pub(crate) struct Source {
    versions: [AtomicU64; KEYS],
    pub(crate) stops: Stops<HasRead>,
    pace: Pace,
}

impl Source {
    pub(crate) fn by_chance(random: &mut fastrand::Rng) -> Self {
        Self {
            pace: Pace::by_chance(random),
            ..Self::default()
        }
    }

    pub(crate) async fn read(&self, id: usize) -> Result<u64, Failed> {
        self.pace.pause().await;
        let version = self.versions[id].load(SeqCst);
        self.stops.pass(HasRead).await;
        self.pace.pause().await;
        if self.pace.chance(5) {
            Err(Failed)
        } else {
            Ok(version)
        }
    }

    /// Makes a new version of one key, and says what the versions are of all.
    pub(crate) async fn write(&self, id: usize) -> [u64; KEYS] {
        self.pace.pause().await;
        self.versions[id].fetch_add(1, SeqCst);
        let written = self.versions();
        self.pace.pause().await;
        written
    }

    pub(crate) fn versions(&self) -> [u64; KEYS] {
        std::array::from_fn(|id| self.versions[id].load(SeqCst))
    }
}

/// How fast things go: at once, or by chance.
#[derive(Default)]
pub(crate) struct Pace(Option<Mutex<fastrand::Rng>>);

impl Pace {
    pub(crate) fn by_chance(random: &mut fastrand::Rng) -> Self {
        Self(Some(Mutex::new(random.fork())))
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> Option<T> {
        self.0.as_ref().map(|random| draw(&mut random.lock().unwrap()))
    }

    /// So many times in a hundred; never where nothing is left to chance.
    pub(crate) fn chance(&self, percent: u32) -> bool {
        self.draw(|random| random.u32(0..100) < percent).unwrap_or(false)
    }

    /// Mostly the time in which others run a step; now and then much longer.
    pub(crate) async fn pause(&self) {
        let Some((steps, long)) = self.draw(|random| (random.u32(0..4), random.u32(0..20) == 0)) else {
            return;
        };
        for _ in 0..steps {
            yield_now().await;
        }
        if long {
            let most = self.draw(|random| random.u64(0..2_000)).unwrap_or(0);
            sleep(Duration::from_micros(most)).await;
        }
    }
}

//! Whether somebody else is at work on the machine, told by a piece of work that is always the same.
//!
//! The processors of a virtual machine are shared with others, which come and go within seconds and have a share in its
//! caches. So each thread walks through a ring in memory before and after what it measures, and where that takes longer
//! than it can the repetition says less about the row than about the neighbours. Which repetitions are left out is decided
//! by the walks alone, never by what was measured.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// One of which is read in each step, so that each step is a line of the processor's caches.
type Line = [u32; 16];

/// More than the second level of most processors holds, and less than the last: 1 MiB.
const LINES: u32 = 1 << 14;

/// A walk is quiet that takes at most so many times as long as the fastest one.
const QUIET: f64 = 1.5;

fn ring() -> &'static [Line] {
    static RING: OnceLock<Vec<Line>> = OnceLock::new();
    RING.get_or_init(|| {
        let mut order: Vec<u32> = (0..LINES).collect();
        fastrand::Rng::with_seed(3).shuffle(&mut order);
        let mut ring = vec![[0; 16]; LINES as usize];
        for (at, to) in order.iter().zip(order.iter().cycle().skip(1)) {
            ring[*at as usize][0] = *to;
        }
        ring
    })
}

/// How long a walk takes, the second of two.
pub fn walk() -> Duration {
    let ring = ring();
    let once = || {
        let begun = Instant::now();
        black_box((0..LINES).fold(0, |at, _| ring[at as usize][0]));
        begun.elapsed()
    };
    once();
    once()
}

/// The fastest walk so far.
pub struct Pace(Duration);

impl Pace {
    /// From some walks on all threads.
    pub fn find(threads: usize) -> Self {
        let walks = || (0..100).map(|_| walk()).min().unwrap_or(Duration::MAX);
        let all: Vec<_> = (0..threads).map(|_| std::thread::spawn(walks)).collect();
        let least = all.into_iter().filter_map(|thread| thread.join().ok()).min();
        Self(least.unwrap_or(Duration::MAX))
    }

    pub fn note(&mut self, walk: Duration) {
        self.0 = self.0.min(walk);
    }

    pub fn is_quiet(&self, walk: Duration) -> bool {
        walk.as_secs_f64() <= QUIET * self.0.as_secs_f64()
    }
}

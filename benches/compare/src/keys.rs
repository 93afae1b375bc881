//! Keys and the order in which they are asked for, made before anything is measured.

use std::hash::{Hash, Hasher};

use quick_cache::Equivalent;

/// Entries that are resident while hits are measured.
pub const RESIDENT: u64 = 10_000;
/// Room for twice as many, so that no cache that is split into shards evicts any of them.
pub const ROOM: usize = 20_000;

const TENANTS: [&str; 8] = [
    "acme",
    "blue-river",
    "cobalt",
    "dunes",
    "evergreen",
    "foxglove-labs",
    "granite",
    "harbour",
];

/// What a cached function is called with.
pub trait Key: Copy + Send + Sync + 'static {
    /// The key that stands for the `n`-th thing.
    fn of(n: u64) -> Self;
}

impl Key for u64 {
    fn of(n: u64) -> Self {
        n
    }
}

/// A tenant and a number: the shape of most keys of services.
pub type Pair = (&'static str, u64);

impl Key for Pair {
    fn of(n: u64) -> Self {
        (TENANTS[n as usize % TENANTS.len()], n)
    }
}

/// A [`Pair`] as a look-up into a map of owned pairs, without building one.
pub struct Borrowed<'a>(pub &'a str, pub u64);

impl Hash for Borrowed<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.hash(state);
    }
}

impl Equivalent<(String, u64)> for Borrowed<'_> {
    fn equivalent(&self, key: &(String, u64)) -> bool {
        self.1 == key.1 && self.0 == key.0
    }
}

/// How often each of the things is asked for.
#[derive(Clone, Copy, PartialEq)]
pub enum Spread {
    Zipf(f64),
    Uniform,
}

impl Spread {
    pub fn name(self) -> String {
        match self {
            Self::Zipf(s) => format!("zipf {s}"),
            Self::Uniform => "uniform".to_owned(),
        }
    }

    /// `count` numbers below `among`, in an order of their own for each seed. Which numbers are popular does not depend
    /// on the seed, nor on their size.
    pub fn draw(self, among: u64, count: usize, seed: u64) -> Vec<u64> {
        let mut random = fastrand::Rng::with_seed(seed);
        let Self::Zipf(exponent) = self else {
            return (0..count).map(|_| random.u64(..among)).collect();
        };
        let mut sum = 0.0;
        let cumulated: Vec<f64> = (1..=among)
            .map(|rank| {
                sum += (rank as f64).powf(-exponent);
                sum
            })
            .collect();
        let mut numbers: Vec<u64> = (0..among).collect();
        fastrand::Rng::with_seed(1).shuffle(&mut numbers);
        (0..count)
            .map(|_| {
                let wanted = random.f64() * sum;
                let rank = cumulated.partition_point(|&up_to| up_to < wanted);
                numbers[rank.min(numbers.len() - 1)]
            })
            .collect()
    }
}

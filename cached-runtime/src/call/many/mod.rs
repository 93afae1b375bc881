//! A batch: one call for many keys, over the entries of a cached function of one key. The second story that knows the
//! order of the steps; each step means what it means in the first.
//!
//! 1. [`ask`]: the keys of all ids, each key once, in the order in which they came first ([`Keys`]).
//! 2. A look in memory for each. What it has not, this batch leads the flight of, or follows the one in progress.
//! 3. What it leads is looked for in memory once more, then in the remote tiers: one look-up in each for all that the
//!    tiers above did not have. The stamps for memory are taken before; each remote miss brings a token ([`Many`]).
//! 4. The body runs, in the caller's own task, for the ids that are nowhere.
//! 5. What it brought goes into memory, to the followers, and into each remote tier in one round trip.
//! 6. Only now does the batch wait for what others lead ([`Waits`]), so that two batches never wait for each other. What
//!    they leave to it, because they are gone or had nothing that it can use, it leads from step 3 on.
//!
//! While it does anything but wait, it stands in nobody's way: turns that it is offered pass on to others.
//!
//! What a cache without a function does with a loader (`loader`) is the same with other ends: its ids are keys, and its answer is
//! a list in their order.
//!
//! A batch that is dropped, or whose body panics, drops its leads, and with them hands over. A failed body fails all of
//! them.

mod answers;
mod ids;
mod keep;
mod keys;
mod load;
mod loader;
mod run;
mod steps;
mod wait;

pub use self::answers::{Again, Answers, BatchShape, IdOf, MapKey, OfEntry, Pairs, again};
pub use self::ids::{Ids, Items, Listed, items, listed};
pub use self::loader::LoadableMany;
pub(crate) use self::loader::load_many;
pub use self::run::{Asked, Batch, Step, ask, batch};

use self::keys::Keys;
use self::load::Many;
use self::steps::Steps;
use self::wait::Waits;

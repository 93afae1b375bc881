//! Write-behind: values that the cache has and the source is yet to get.
//!
//! Called by the expansion of `#[update(.., strategy = "write_behind")]` and by `write_behind` of an entry, which bring a
//! value and a body to run for it; by loads, which ask for what is pending before they look anywhere below memory; by
//! removals, which wait for what is pending of their entries; by `settle`. Knows tiers through `fill` and `invalidate`, and
//! nothing of macros or of the types of values.
//!
//! What a write goes through:
//!
//! 1. It waits for room, so that never more than `queue` are pending; nothing is dropped.
//! 2. `queue`: it becomes the newest value of its key. A write by the same writer that has not begun to run gives way to
//!    it, so that a key that is written often is run now and then.
//! 3. The value is put into the tiers. Whatever becomes of that, a read that finds nothing there finds what is pending.
//! 4. `run`: some time later its body runs; bodies of one key one after the other, in order, those of different keys side by
//!    side. A run that fails is repeated, after pauses that grow. The items of a list (`each`) are writes of their own, and
//!    those that wait are run together (`gather`): one run for many keys.
//! 5. The value is put into the tiers once more: another process may have filled them from the old source meanwhile. Of a
//!    write that has failed for good the entry is removed, and `report` tells.
//!
//! A removal of the entry does not overtake them: it has what is pending run first (`ahead`).

mod ahead;
mod attempt;
mod each;
mod entry;
mod gather;
mod queue;
mod report;
mod run;
mod state;
mod write;

pub(crate) use self::ahead::{Ahead, ahead, removing};
pub(crate) use self::attempt::is_inside_of;
pub use self::each::{Entries, Gather, Gathered, Writes, entries, gathered, write_behind_each};
pub use self::entry::{BehindEntry, WrittenAtOnce, WrittenLater, written_later};
pub use self::gather::Together;
pub(crate) use self::queue::{Behind, any};
pub use self::report::FailedWrite;
pub(crate) use self::report::Report;
pub(crate) use self::run::drain;
pub(crate) use self::write::{By, write_behind_by};
pub use self::write::{Done, Repeated, Returned, Settings, repeated, returned, write_behind};

//! Which entries go when there is no more room.
//!
//! The way is that of Arthur Silva's `quick_cache`, which takes from S3-FIFO (Yang et al., 2023) and CLOCK-Pro (Jiang, Chen
//! and Zhang, 2005): new entries stand in a short *cold* ring, and those that are read before the hand reaches them move to
//! the long *hot* one, where each reading buys them a turn of the hand. A key evicted from the cold ring is remembered for
//! a while; if it is filled again by then, it goes to the hot ring at once.

use super::{Entries, Gone, Of};

/// The part of the bound that is the hot ring's, in percent.
const HOT: u64 = 97;

pub(super) fn hot_part(most: u64) -> u64 {
    (most / 100 * HOT + most % 100 * HOT / 100).clamp(most.min(1), most)
}

impl Entries {
    /// Evicts until there is room for something of `weight`.
    pub(super) fn make_room(&mut self, weight: u64, gone: &mut Gone) {
        while self.cold.weight + self.hot.weight + weight > self.most {
            let evicted = match self.cold.under_hand() {
                Some(place) => self.pass_cold(place, gone),
                None => self.evict_hot(gone),
            };
            if !evicted {
                return;
            }
        }
    }

    /// The oldest of the cold ring has been read, and moves to the hot one; or it goes.
    fn pass_cold(&mut self, place: u32, gone: &mut Gone) -> bool {
        if !self.slots[place as usize].pay() {
            self.ghosts.remember(self.names[place as usize].hash);
            self.evict(place, gone);
            return true;
        }
        self.leave(place);
        self.join(place, Of::Hot);
        while self.hot.weight > self.most_hot && self.evict_hot(gone) {}
        true
    }

    /// Evicts the first of the hot ring that has no credit left.
    fn evict_hot(&mut self, gone: &mut Gone) -> bool {
        while let Some(place) = self.hot.under_hand() {
            if !self.slots[place as usize].pay() {
                self.evict(place, gone);
                return true;
            }
            self.hot.turn(&self.nodes);
        }
        false
    }

    fn evict(&mut self, place: u32, gone: &mut Gone) {
        self.evictions += 1;
        gone.add(self.take(place));
    }
}

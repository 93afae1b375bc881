//! The keys evicted last, by their hashes: a key that comes back soon was worth more than it was taken for.

use super::index::Index;

/// Of no key: what is remembered is never zero.
const FORGOTTEN: u64 = 0;

/// A ring of the last so many; an index finds a hash in it.
pub(super) struct Ghosts {
    most: u32,
    ring: Vec<u64>,
    /// The oldest, once the ring is full.
    oldest: u32,
    places: Index,
}

impl Ghosts {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: u32::try_from(most).unwrap_or(u32::MAX),
            ring: Vec::new(),
            oldest: 0,
            places: Index::new(),
        }
    }

    pub(super) fn remember(&mut self, hash: u64) {
        let hash = hash.max(1);
        let Some(place) = self.place() else { return };
        self.forget(place);
        match self.ring.get_mut(place as usize) {
            Some(slot) => *slot = hash,
            None => self.ring.push(hash),
        }
        let ring = &self.ring;
        self.places.make_room(ring.len(), |place| ring[place as usize]);
        self.places.insert(hash, place);
    }

    fn forget(&mut self, place: u32) {
        let ring = &self.ring;
        let hash = ring.get(place as usize).copied().unwrap_or(FORGOTTEN);
        if hash != FORGOTTEN {
            self.places.remove(hash, place, |place| ring[place as usize]);
            self.ring[place as usize] = FORGOTTEN;
        }
    }

    /// Where the next one goes.
    fn place(&mut self) -> Option<u32> {
        let len = u32::try_from(self.ring.len()).ok()?;
        if len < self.most {
            return Some(len);
        }
        let place = self.oldest;
        self.oldest = (place + 1).checked_rem(self.most)?;
        Some(place)
    }

    /// Whether it is among them; from now on it is not.
    pub(super) fn recall(&mut self, hash: u64) -> bool {
        let hash = hash.max(1);
        let place = self.places.find(hash, |place| self.ring[place as usize] == hash);
        if let Some(place) = place {
            self.forget(place);
        }
        place.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::Ghosts;

    #[test]
    fn the_last_ones_are_remembered_and_each_is_recalled_once() {
        let mut ghosts = Ghosts::new(3);
        (1..=5).for_each(|hash| ghosts.remember(hash));
        let recalled: Vec<bool> = (1..=5).map(|hash| ghosts.recall(hash)).collect();
        assert_eq!(recalled, [false, false, true, true, true]);
        assert!(!ghosts.recall(5));
        ghosts.remember(6);
        assert!(ghosts.recall(6));
    }

    #[test]
    fn one_that_is_there_twice_is_recalled_as_often() {
        let mut ghosts = Ghosts::new(3);
        [7, 7, 8].iter().for_each(|hash| ghosts.remember(*hash));
        assert!(ghosts.recall(7) && ghosts.recall(7) && !ghosts.recall(7));
        (10..20).for_each(|hash| ghosts.remember(hash));
        assert!(!ghosts.recall(8) && ghosts.recall(19));
    }

    #[test]
    fn none_is_remembered_where_there_is_no_room() {
        let mut ghosts = Ghosts::new(0);
        ghosts.remember(1);
        assert!(!ghosts.recall(1));
    }
}

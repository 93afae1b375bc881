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

    /// Against a ring that is looked through.
    #[test]
    fn what_is_remembered_is_what_was_evicted_last() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for (most, hashes, factor) in [
            (1, 3, 1),
            (7, 10, 1),
            (50, 80, 1 << 32),
            (300, 400, u64::MAX / 400),
        ] {
            let mut ghosts = Ghosts::new(most);
            let mut ring = vec![None; most];
            let mut at = 0;
            for _ in 0..5_000 {
                // The first is taken for the second where it is zero.
                let hash = random.u64(0..hashes) * factor;
                if random.bool() {
                    ghosts.remember(hash);
                    ring[at] = Some(hash.max(1));
                    at = (at + 1) % most;
                } else {
                    let is = |other: &Option<u64>| *other == Some(hash.max(1));
                    assert_eq!(ghosts.recall(hash), ring.iter().any(is));
                    // Which of several it is makes a difference to when it is forgotten: all of them are.
                    while ghosts.recall(hash) {}
                    ring.iter_mut()
                        .filter(|other| is(other))
                        .for_each(|other| *other = None);
                }
            }
        }
    }

    #[test]
    fn none_is_remembered_where_there_is_no_room() {
        let mut ghosts = Ghosts::new(0);
        ghosts.remember(1);
        assert!(!ghosts.recall(1));
    }
}

//! Rings of entries in the order in which a clock's hand passes them: links between places of one vector.

use super::entries::Node;

/// No entry.
const NONE: u32 = u32::MAX;

/// Before and after an entry in its ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Links {
    before: u32,
    after: u32,
}

impl Links {
    pub(super) const NONE: Self = Self {
        before: NONE,
        after: NONE,
    };
}

/// Places that are free, each of which names the next.
pub(super) struct Free {
    first: u32,
}

impl Free {
    pub(super) const fn new() -> Self {
        Self { first: NONE }
    }

    pub(super) fn push(&mut self, nodes: &mut [Node], place: u32) {
        let after = std::mem::replace(&mut self.first, place);
        nodes[place as usize].links = Links { before: NONE, after };
    }

    pub(super) fn pop(&mut self, nodes: &[Node]) -> Option<u32> {
        let first = self.first;
        self.first = nodes.get(first as usize)?.links.after;
        Some(first)
    }

    #[cfg(test)]
    pub(super) fn count(&self, nodes: &[Node]) -> usize {
        std::iter::successors(nodes.get(self.first as usize), |node| {
            nodes.get(node.links.after as usize)
        })
        .count()
    }
}

/// The entry under the hand, and what all of them weigh.
pub(super) struct Ring {
    hand: u32,
    pub(super) weight: u64,
}

impl Ring {
    pub(super) const fn new() -> Self {
        Self {
            hand: NONE,
            weight: 0,
        }
    }

    pub(super) fn under_hand(&self) -> Option<u32> {
        (self.hand != NONE).then_some(self.hand)
    }

    #[cfg(test)]
    pub(super) fn put_hand(&mut self, place: u32) {
        self.hand = place;
    }

    /// Moves the hand to the next entry: the one it was at is passed again after all others.
    pub(super) fn turn(&mut self, nodes: &[Node]) {
        if let Some(node) = nodes.get(self.hand as usize) {
            self.hand = node.links.after;
        }
    }

    /// Puts an entry where the hand comes last.
    pub(super) fn join(&mut self, nodes: &mut [Node], place: u32) {
        self.weight += nodes[place as usize].rest.weight;
        let after = if self.hand == NONE { place } else { self.hand };
        let before = if self.hand == NONE {
            place
        } else {
            nodes[after as usize].links.before
        };
        nodes[place as usize].links = Links { before, after };
        nodes[before as usize].links.after = place;
        nodes[after as usize].links.before = place;
        if self.hand == NONE {
            self.hand = place;
        }
    }

    pub(super) fn leave(&mut self, nodes: &mut [Node], place: u32) {
        let node = &mut nodes[place as usize];
        self.weight -= node.rest.weight;
        let Links { before, after } = std::mem::replace(&mut node.links, Links::NONE);
        if after == place {
            self.hand = NONE;
            return;
        }
        nodes[before as usize].links.after = after;
        nodes[after as usize].links.before = before;
        if self.hand == place {
            self.hand = after;
        }
    }
}

//! What a hit reads of an entry, in half a cache line.

use crate::clock::Tick;
use crate::entry::Content;
use crate::key::{KeyBytes, Mark};

/// How many readings an entry has credit for.
pub(super) const MOST_CREDIT: u8 = 2;

/// All that a hit reads of an entry whose key is one number.
#[repr(align(32))]
pub(super) struct Slot {
    pub(super) content: Content,
    /// Those of the key's mark.
    bits: u64,
    /// From when on reading it is more than a hit; and, in the lowest bits, the credit and the kind of key.
    standing: u64,
}

/// What else is read of one whose key is not, and by fills.
#[repr(align(32))]
pub(super) struct Name {
    pub(super) hash: u64,
    /// `None` where there is no entry.
    pub(super) key: Option<KeyBytes>,
}

const _: () = assert!(size_of::<Slot>() == 32 && size_of::<Name>() == 32);

/// Of the bits that a moment has no use for.
const CREDIT: u64 = 0b011;
/// The key is one number.
const NUMBER: u64 = 0b100;
const FLAGS: u64 = CREDIT | NUMBER;
const _: () = assert!(FLAGS == Tick::SPARE);

impl Slot {
    pub(super) fn new(mark: Mark, content: Content, due: Tick) -> Self {
        let number = if mark.number { NUMBER } else { 0 };
        Self {
            content,
            bits: mark.bits,
            standing: due.bits() | number,
        }
    }

    pub(super) fn vacant() -> Self {
        let mark = Mark {
            bits: 0,
            number: false,
        };
        Self::new(mark, Content::Absent, Tick::ALWAYS)
    }

    /// Whether its key has this mark: for one that is a number, whether it is that.
    #[inline]
    pub(super) fn is_of(&self, mark: Mark) -> bool {
        self.bits == mark.bits && (self.standing & NUMBER != 0) == mark.number
    }

    /// From when on reading it is more than a hit.
    pub(super) fn due(&self) -> Tick {
        Tick::at(self.standing)
    }

    #[inline]
    pub(super) fn is_due(&self, now: Tick) -> bool {
        now.bits() | FLAGS >= self.standing
    }

    pub(super) fn put_off(&mut self, due: Tick) {
        self.standing = due.bits() | self.standing & FLAGS;
    }

    #[inline]
    pub(super) fn credit(&self) -> u8 {
        (self.standing & CREDIT) as u8
    }

    /// It has been read.
    #[inline]
    pub(super) fn earn(&mut self) {
        if self.credit() < MOST_CREDIT {
            self.standing += 1;
        }
    }

    /// The hand has passed. Whether there was credit for that.
    pub(super) fn pay(&mut self) -> bool {
        let had = self.credit() > 0;
        self.standing -= u64::from(had);
        had
    }
}

impl Name {
    pub(super) fn vacant() -> Self {
        Self { hash: 0, key: None }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn slot(number: bool, due: Tick) -> Slot {
        Slot::new(Mark { bits: 7, number }, Content::Absent, due)
    }

    #[test]
    fn credit_and_kind_are_no_part_of_the_moment() {
        let now = Tick::at(1 << 40);
        let (before, due) = (
            now.after(Duration::from_nanos(997)),
            now.after(Duration::from_micros(1)),
        );
        for number in [true, false] {
            let mut slot = slot(number, now);
            for earned in 0..5_u8 {
                assert!(slot.is_of(Mark { bits: 7, number }) && slot.credit() == earned.min(MOST_CREDIT));
                slot.put_off(due);
                assert!(slot.is_due(due) && !slot.is_due(before) && slot.due() == due);
                slot.put_off(Tick::ALWAYS);
                assert!(slot.is_due(Tick::ALWAYS) && slot.due() == Tick::ALWAYS);
                slot.put_off(Tick::NEVER);
                assert!(!slot.is_due(due) && slot.due() == Tick::NEVER);
                slot.earn();
            }
            assert_eq!([slot.pay(), slot.pay(), slot.pay()], [true, true, false]);
            assert!(slot.is_of(Mark { bits: 7, number }) && slot.due() == Tick::NEVER);
        }
    }
}

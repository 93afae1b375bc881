//! Who waits for a look-up, and keeps the time meanwhile.

use std::time::Duration;

use super::ANSWER;

/// Who waits for a look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Waits {
    /// Many callers: there is more to do meanwhile than to wait.
    Many,
    One,
    /// One, who keeps the time himself, and for so much less than [`ANSWER`] that it need not be kept for him.
    Timed,
}

impl Waits {
    /// Those who wait for so many keys.
    pub(in super::super) fn of(keys: usize) -> Self {
        if keys > 1 { Self::Many } else { Self::One }
    }

    /// One who waits for this long.
    pub(in super::super) fn within(whole: Option<Duration>) -> Self {
        match whole {
            Some(whole) if whole <= ANSWER / 2 => Self::Timed,
            _ => Self::One,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_noticed_here_by_all_who_might_wait_for_as_long() {
        let within = |milliseconds| Waits::within(Some(Duration::from_millis(milliseconds)));
        assert_eq!((within(0), within(500)), (Waits::Timed, Waits::Timed));
        assert_eq!((within(501), within(1_000)), (Waits::One, Waits::One));
        assert_eq!((Waits::within(None), Waits::of(1)), (Waits::One, Waits::One));
        assert_eq!(Waits::of(2), Waits::Many);
    }
}

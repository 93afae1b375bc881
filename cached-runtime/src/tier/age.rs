//! How old an entry is that a remote tier had, and what is left of its life.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::codec::envelope::Header;
use crate::plan::Plan;
use crate::policy::Spec;

/// What is left of the life of an entry that its store keeps for `remaining`; `None` if it is out of date and `spec`
/// takes nothing that is.
///
/// That is the store's word, except for what a store does not know: the age, which only decides when to reload, and the
/// end of an entry that lives for as long as it is read. These are reckoned by the clocks of the processes.
pub(super) fn left(spec: &Spec, header: &Header, remaining: Option<Duration>) -> Option<Plan> {
    let whole = header.ttl_ms.map(Duration::from_millis);
    let stale = header.stale_ms.map_or(Duration::ZERO, Duration::from_millis);
    let ages = spec.ages() && !header.none;
    let age = if spec.ages() || header.stale_ms.is_some() {
        since_epoch().saturating_sub(Duration::from_millis(header.birth_ms))
    } else {
        Duration::ZERO
    };
    // Until it is gone, `stale` included.
    let by_age = || whole.map(|whole| whole.saturating_add(stale).saturating_sub(age));
    let gone = match remaining {
        Some(_) if ages && spec.idle.is_some() => by_age(),
        // It may have been told of a read of the value that was there before.
        Some(told) if spec.idle.is_some() => Some(by_age().map_or(told, |by_age| by_age.min(told))),
        None if header.stale_ms.is_some() => by_age(),
        told => told,
    };
    let ttl = gone.map(|gone| gone.saturating_sub(stale));
    let stale = gone.map_or(stale, |gone| stale.min(gone));
    let is_over = gone != remaining && gone == Some(Duration::ZERO);
    if is_over || (ttl == Some(Duration::ZERO) && !stale.is_zero() && spec.stale.is_none()) {
        return None;
    }
    let refresh = spec
        .refresh
        .filter(|_| ages)
        .and_then(|refresh| refresh.age(whole));
    Some(Plan {
        ttl,
        stale: if spec.stale.is_some() {
            stale
        } else {
            Duration::ZERO
        },
        refresh: refresh.map(|at| at.saturating_sub(age)),
        idle: spec.idle.filter(|_| ages),
        whole,
        age,
    })
}

pub(super) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(all(test, feature = "bincode"))]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::policy::Refresh;

    const SECOND: Duration = Duration::from_secs(1);

    fn spec() -> Spec {
        Spec::new("f", || "f", "f.rs", 1)
    }

    fn header(age: u64, ttl: Option<u64>, stale: Option<u64>) -> Header {
        let born = since_epoch().saturating_sub(Duration::from_secs(age));
        Header {
            codec: Codec::Bincode,
            none: false,
            fingerprint: 0,
            key_check: 0,
            birth_ms: u64::try_from(born.as_millis()).unwrap_or_default(),
            ttl_ms: ttl.map(|ttl| ttl * 1_000),
            stale_ms: stale.map(|stale| stale * 1_000),
            fallback_ms: None,
            tags: Vec::new(),
        }
    }

    fn seconds(
        spec: &Spec,
        header: &Header,
        remaining: Option<u64>,
    ) -> Option<(Option<u64>, u64, Option<u64>)> {
        // Half a second for the test's own time.
        let rounded = |span: Duration| (span + SECOND / 2).as_secs();
        let plan = left(spec, header, remaining.map(Duration::from_secs))?;
        Some((
            plan.ttl.map(rounded),
            rounded(plan.stale),
            plan.refresh.map(rounded),
        ))
    }

    #[test]
    fn without_anything_to_age_by_it_is_what_the_store_says() {
        for (ttl, remaining) in [(Some(100), Some(30)), (None, None), (Some(100), None)] {
            let left = seconds(&spec(), &header(70, ttl, None), remaining);
            assert_eq!(left, Some((remaining, 0, None)));
        }
    }

    #[test]
    fn what_is_past_its_ttl_is_for_those_who_take_it() {
        let mut taking = spec();
        taking.stale = Some(50 * SECOND);
        let fresh = header(70, Some(100), Some(50));
        assert_eq!(seconds(&taking, &fresh, Some(80)), Some((Some(30), 50, None)));
        assert_eq!(seconds(&spec(), &fresh, Some(80)), Some((Some(30), 0, None)));
        let old = header(120, Some(100), Some(50));
        assert_eq!(seconds(&taking, &old, Some(30)), Some((Some(0), 30, None)));
        assert_eq!(seconds(&spec(), &old, Some(30)), None);
        // A store that was not asked for the life left.
        assert_eq!(seconds(&spec(), &old, None), None);
        assert_eq!(seconds(&spec(), &fresh, None), Some((Some(30), 0, None)));
    }

    #[test]
    fn a_reload_is_due_by_age() {
        let mut part = spec();
        part.refresh = Some(Refresh::Part(800_000));
        assert_eq!(
            seconds(&part, &header(70, Some(100), None), Some(30)),
            Some((Some(30), 0, Some(10)))
        );
        assert_eq!(
            seconds(&part, &header(90, Some(100), None), Some(10)),
            Some((Some(10), 0, Some(0)))
        );
        let mut age = spec();
        age.refresh = Some(Refresh::Age(60 * SECOND));
        assert_eq!(
            seconds(&age, &header(20, None, None), None),
            Some((None, 0, Some(40)))
        );
        // Born in the future, by the clock of another machine.
        let mut ahead = header(0, Some(100), None);
        ahead.birth_ms += 1_000_000;
        assert_eq!(seconds(&part, &ahead, Some(100)), Some((Some(100), 0, Some(80))));
    }

    #[test]
    fn the_end_of_what_is_kept_by_reading_it_is_told_by_its_birth() {
        let mut idle = spec();
        idle.idle = Some(10 * SECOND);
        assert_eq!(
            seconds(&idle, &header(70, Some(100), None), Some(9)),
            Some((Some(30), 0, None))
        );
        assert_eq!(
            seconds(&idle, &header(70, None, None), Some(9)),
            Some((None, 0, None))
        );
    }

    /// A touch may come too late, after the entry it was meant for has been replaced by one of a shorter life.
    #[test]
    fn what_is_kept_by_reading_it_does_not_outlive_its_end() {
        let mut idle = spec();
        idle.idle = Some(10 * SECOND);
        assert_eq!(seconds(&idle, &header(101, Some(100), None), Some(9)), None);
        idle.stale = Some(50 * SECOND);
        let old = header(120, Some(100), Some(50));
        assert_eq!(seconds(&idle, &old, Some(9)), Some((Some(0), 30, None)));
        assert_eq!(seconds(&idle, &header(151, Some(100), Some(50)), Some(9)), None);
    }

    #[test]
    fn a_none_does_not_age() {
        let mut ages = spec();
        (ages.idle, ages.refresh) = (Some(SECOND), Some(Refresh::Part(1)));
        let mut none = header(70, Some(100), None);
        none.none = true;
        assert_eq!(seconds(&ages, &none, Some(30)), Some((Some(30), 0, None)));
    }

    /// What was meant for the value before it says that it is kept for longer, or not even for that long.
    #[test]
    fn a_none_is_not_kept_by_reads() {
        let mut idle = spec();
        idle.idle = Some(600 * SECOND);
        let mut none = header(70, Some(100), None);
        none.none = true;
        assert_eq!(seconds(&idle, &none, Some(600)), Some((Some(30), 0, None)));
        assert_eq!(seconds(&idle, &none, Some(5)), Some((Some(5), 0, None)));
        let mut over = header(101, Some(100), None);
        over.none = true;
        assert_eq!(seconds(&idle, &over, Some(600)), None);
    }
}

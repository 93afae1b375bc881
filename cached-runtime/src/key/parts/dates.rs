//! Dates and times of `chrono` and `time`, as ISO 8601 text. The text is made here, so that both crates and all their
//! versions write the same keys: `2024-02-29`, `23:59:60.500`, `2024-02-29T12:00:00`, and `...Z` for instants, which
//! are told in UTC because equal instants of different offsets are equal.

use std::fmt;

use crate::key::{KeyPart, KeyWriter, Written};

struct CalendarDay {
    year: i32,
    month: u8,
    day: u8,
}

struct Clock {
    hour: u8,
    minute: u8,
    second: u8,
    /// A second or more inside a leap second.
    nanos: u32,
}

impl fmt::Display for CalendarDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day } = self;
        match year {
            0..=9999 => write!(f, "{year:04}-{month:02}-{day:02}"),
            _ => write!(f, "{year:+07}-{month:02}-{day:02}"),
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            hour,
            minute,
            mut second,
            mut nanos,
        } = *self;
        if second == 59 && nanos >= 1_000_000_000 {
            (second, nanos) = (60, nanos - 1_000_000_000);
        }
        write!(f, "{hour:02}:{minute:02}:{second:02}")?;
        // A leap second elsewhere than at a minute's end, which arithmetic can make, has one digit more than any other.
        match nanos {
            0 => Ok(()),
            _ if nanos % 1_000_000 == 0 => write!(f, ".{:03}", nanos / 1_000_000),
            _ if nanos % 1_000 == 0 => write!(f, ".{:06}", nanos / 1_000),
            _ => write!(f, ".{nanos:09}"),
        }
    }
}

#[cfg(feature = "chrono")]
mod of_chrono {
    use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike};

    use super::{CalendarDay, Clock, KeyPart, KeyWriter, Written};

    fn small(field: u32) -> u8 {
        // Months, days, hours, minutes and seconds.
        u8::try_from(field).unwrap_or(u8::MAX)
    }

    fn day(date: &impl Datelike) -> CalendarDay {
        CalendarDay {
            year: date.year(),
            month: small(date.month()),
            day: small(date.day()),
        }
    }

    fn clock(time: &impl Timelike) -> Clock {
        Clock {
            hour: small(time.hour()),
            minute: small(time.minute()),
            second: small(time.second()),
            nanos: time.nanosecond(),
        }
    }

    #[diagnostic::do_not_recommend]
    impl KeyPart for NaiveDate {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}", day(self)))
        }
    }

    #[diagnostic::do_not_recommend]
    impl KeyPart for NaiveTime {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}", clock(self)))
        }
    }

    #[diagnostic::do_not_recommend]
    impl KeyPart for NaiveDateTime {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}T{}", day(self), clock(self)))
        }
    }

    #[diagnostic::do_not_recommend]
    impl<Tz: TimeZone> KeyPart for DateTime<Tz> {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            let utc = self.naive_utc();
            key.display(format_args!("{}T{}Z", day(&utc), clock(&utc)))
        }
    }
}

#[cfg(feature = "time")]
mod of_time {
    use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcDateTime};

    use super::{CalendarDay, Clock, KeyPart, KeyWriter, Written};

    fn day(date: Date) -> CalendarDay {
        CalendarDay {
            year: date.year(),
            month: date.month().into(),
            day: date.day(),
        }
    }

    fn clock(time: Time) -> Clock {
        Clock {
            hour: time.hour(),
            minute: time.minute(),
            second: time.second(),
            nanos: time.nanosecond(),
        }
    }

    #[diagnostic::do_not_recommend]
    impl KeyPart for Date {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}", day(*self)))
        }
    }

    #[diagnostic::do_not_recommend]
    impl KeyPart for Time {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}", clock(*self)))
        }
    }

    #[diagnostic::do_not_recommend]
    impl KeyPart for PrimitiveDateTime {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}T{}", day(self.date()), clock(self.time())))
        }
    }

    #[diagnostic::do_not_recommend]
    impl KeyPart for UtcDateTime {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}T{}Z", day(self.date()), clock(self.time())))
        }
    }

    #[diagnostic::do_not_recommend]
    impl KeyPart for OffsetDateTime {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            match self.checked_to_utc() {
                Some(utc) => key.part(&utc),
                // Hours before the first or after the last day that the crate can tell in UTC.
                None => key.integer(self.unix_timestamp_nanos()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::key::fuzzing::text;

    #[cfg(feature = "chrono")]
    #[test]
    fn chrono_dates_are_iso_8601_and_instants_utc() {
        use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, TimeZone, Utc};

        let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
        assert_eq!(text(&day), "2024-02-29");
        assert_eq!(
            text(&day.and_hms_micro_opt(1, 2, 3, 450_000).unwrap()),
            "2024-02-29T01%3A02%3A03.450"
        );
        assert_eq!(
            text(&NaiveTime::from_hms_nano_opt(23, 59, 59, 1_000_000_001).unwrap()),
            "23%3A59%3A60.000000001"
        );
        assert_eq!(text(&NaiveDate::from_ymd_opt(-1, 1, 1).unwrap()), "-000001-01-01");
        assert_eq!(text(&NaiveDate::MAX), "%2B262142-12-31");

        let utc: DateTime<Utc> = Utc.with_ymd_and_hms(2024, 2, 29, 23, 0, 0).unwrap();
        let there = utc.with_timezone(&FixedOffset::east_opt(7200).unwrap());
        assert_eq!(text(&utc), "2024-02-29T23%3A00%3A00Z");
        assert_eq!(text(&there), text(&utc));
    }

    #[cfg(feature = "chrono")]
    #[test]
    fn a_leap_second_anywhere_is_no_other_time() {
        use chrono::{NaiveTime, Timelike};

        let mut texts = std::collections::HashSet::new();
        for second in [29, 30, 58, 59] {
            for nanos in [
                0,
                1,
                1_000,
                500_000_000,
                999_999_999,
                1_000_000_000,
                1_000_001_000,
                1_500_000_000,
                1_999_999_999,
            ] {
                let time = NaiveTime::from_hms_opt(23, 59, second)
                    .unwrap()
                    .with_nanosecond(nanos)
                    .unwrap();
                assert!(texts.insert(text(&time)), "{time:?}");
            }
        }
    }

    #[cfg(feature = "time")]
    #[test]
    fn time_dates_are_iso_8601_and_instants_utc() {
        use time::{Date, Month, Time, UtcOffset};

        let day = Date::from_calendar_date(2024, Month::February, 29).unwrap();
        let moment = day.with_time(Time::from_hms_micro(1, 2, 3, 450_001).unwrap());
        assert_eq!(text(&day), "2024-02-29");
        assert_eq!(text(&moment), "2024-02-29T01%3A02%3A03.450001");
        let there = moment
            .assume_utc()
            .to_offset(UtcOffset::from_hms(-5, 0, 0).unwrap());
        assert_eq!(text(&there), "2024-02-29T01%3A02%3A03.450001Z");
        assert_eq!(text(&there.to_utc()), text(&there));
    }

    #[cfg(feature = "time")]
    #[test]
    fn an_instant_past_the_last_day_in_utc_is_a_part_too() {
        use time::{Date, Time, UtcOffset};

        let last = Date::MAX
            .with_time(Time::MIDNIGHT)
            .assume_offset(UtcOffset::from_hms(-25, 0, 0).unwrap());
        assert_eq!(text(&last), last.unix_timestamp_nanos().to_string());
    }
}

//! Dates and times of `chrono` and `time`, as ISO 8601 text. The text is made here, so that both crates and all their
//! versions write the same keys: `2024-02-29`, `23:59:60.500`, `2024-02-29T12:00:00`, and `...Z` for instants, which
//! are told in UTC because equal instants of different offsets are equal.

use std::fmt;

use crate::key::{KeyPart, KeyWriter, Written};

struct Day {
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

impl fmt::Display for Day {
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

    use super::{Clock, Day, KeyPart, KeyWriter, Written};

    fn small(field: u32) -> u8 {
        // Months, days, hours, minutes and seconds.
        u8::try_from(field).unwrap_or(u8::MAX)
    }

    fn day(date: &impl Datelike) -> Day {
        Day {
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

    impl KeyPart for NaiveDate {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}", day(self)))
        }
    }

    impl KeyPart for NaiveTime {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}", clock(self)))
        }
    }

    impl KeyPart for NaiveDateTime {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}T{}", day(self), clock(self)))
        }
    }

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

    use super::{Clock, Day, KeyPart, KeyWriter, Written};

    fn day(date: Date) -> Day {
        Day {
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

    impl KeyPart for Date {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}", day(*self)))
        }
    }

    impl KeyPart for Time {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}", clock(*self)))
        }
    }

    impl KeyPart for PrimitiveDateTime {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}T{}", day(self.date()), clock(self.time())))
        }
    }

    impl KeyPart for UtcDateTime {
        fn write(&self, key: KeyWriter<'_>) -> Written {
            key.display(format_args!("{}T{}Z", day(self.date()), clock(self.time())))
        }
    }

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

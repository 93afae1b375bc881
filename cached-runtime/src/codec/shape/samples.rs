//! Values to try on types that check what they read, the most widely accepted first.

/// For every kind of number, where it is in range; else 1.
pub(super) const NUMBERS: &[i16] = &[1, 0, 2, 3, 4, 6, 8, 10, 16, 24, 60, 100, 1000, 2000, -1];

pub(super) const CHARS: &[char] = &['a', 'A', '1', ' '];

pub(super) const TEXTS: &[&str] = &[
    "a",
    "1",
    "",
    "00000000-0000-4000-8000-000000000001",
    "127.0.0.1",
    "::1",
    "127.0.0.1:80",
    "[::1]:80",
    "127.0.0.0/8",
    "2001-02-03T04:05:06Z",
    "2001-02-03",
    "2001-02-03T04:05:06",
    "04:05:06",
    "2001-02-03 04:05:06.0 +00:00:00",
    "2001-02-03 4:05:06.0 +00:00:00",
    "2001-02-03 4:05:06.0",
    "4:05:06.0",
    "+01:00",
    "UTC",
    "Europe/London",
    "Monday",
    "January",
    "PT1S",
    "1s",
    "http://localhost/",
    "localhost",
    "a@example.com",
    "1.5",
    "1.0.0",
    "true",
    "A",
    "en",
    "en-GB",
    "USD",
    "GET",
    "text/plain",
    "/a",
    "#000000",
    "+442079460000",
    "AAAA",
    "00",
    "0000000000000001",
    "00000000000000000000000000000001",
    "0000000000000000000000000000000000000000000000000000000000000001",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "{}",
];

/// Of these many bytes.
pub(super) const BYTE_LENGTHS: &[usize] = &[16, 0, 1, 2, 3, 4, 6, 8, 12, 20, 24, 28, 32, 33, 48, 64];

/// Digits, so that bytes that must be text are.
pub(super) const BYTES: [u8; 64] = [b'1'; 64];

/// Lengths of sequences.
pub(super) const LENGTHS: &[usize] = &[1, 2, 3, 4, 6, 8, 9, 16, 0];

/// The same where the value has to be small, because its type has been heard already.
pub(super) const SHORT_LENGTHS: &[usize] = &[0, 1, 2, 3, 4, 6, 8, 9, 16];

//! The words of memcached's meta protocol: commands as bytes, bytes as replies.
//!
//! Called by the commands of the store and by the connection's driver. Knows neither entries nor tokens.
//!
//! Written here rather than taken from a client: those on crates.io that speak the meta protocol borrow a connection
//! for each command, so that nothing can be pipelined and a dropped future leaves an answer behind that the next
//! command takes for its own.
//!
//! Every command is answered by exactly one reply, in their order; the quiet mode is not used. The server is trusted
//! with nothing: no line is waited for past [`LONGEST_LINE`], and a length is believed only as far as bytes have come.

use std::fmt::Write as _;

/// A line longer than this is no answer of a memcached server.
const LONGEST_LINE: usize = 4 * 1024;
/// The statistics of a server, all of them.
const LONGEST_REPORT: usize = 256 * 1024;
/// The most that a server can be told to keep in one item.
const LARGEST_VALUE: usize = 1 << 30;

/// An item that is made by a look-up that misses lives so many seconds.
pub(super) type Seconds = i64;

/// What a server answers to one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// `HD`, `VA`: done, with what was asked for.
    Done(Item),
    /// `EN`, `NF`: there is no such item.
    Absent,
    /// `EX`, `NS`: there is, and it is not the one that was meant.
    Changed,
    /// `VERSION`.
    Version(String),
    /// The lines of `stats`, without the word `STAT`.
    Report(Vec<String>),
    /// The server cannot do this; the connection goes on.
    Failed(String),
}

/// What came back of an item: what was not asked for is as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) value: Vec<u8>,
    /// 0 where the server counts none.
    pub(super) cas: u64,
    /// `None`: without end.
    pub(super) left: Option<Seconds>,
}

/// What came is no reply, so that nothing after it can be told apart either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nonsense(pub(super) String);

/// Looks up, with everything that belongs to an item; one that is absent is made, empty, for `vivify` seconds.
pub(super) fn look_up(out: &mut Vec<u8>, key: &str, vivify: Seconds) {
    line(out, format_args!("mg {key} v c t N{vivify}"));
}

/// The same without the value.
pub(super) fn inspect(out: &mut Vec<u8>, key: &str, vivify: Seconds) {
    line(out, format_args!("mg {key} c t N{vivify}"));
}

/// Looks up as [`look_up`] does, and makes nothing.
pub(super) fn peek(out: &mut Vec<u8>, key: &str) {
    line(out, format_args!("mg {key} v c t u"));
}

/// Stores; with `cas`, only over the item that has it.
pub(super) fn store(out: &mut Vec<u8>, key: &str, value: &[&[u8]], stored: &Stored) {
    let length: usize = value.iter().map(|part| part.len()).sum();
    let Stored { until, cas } = stored;
    match cas {
        Some(cas) => line(out, format_args!("ms {key} {length} T{until} C{cas} c")),
        None => line(out, format_args!("ms {key} {length} T{until} c")),
    }
    out.reserve(length + 2);
    value.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(b"\r\n");
}

/// How something is stored.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stored {
    /// In seconds since 1970 by the server's clock; 0: without end; below: gone at once.
    pub(super) until: Seconds,
    pub(super) cas: Option<u64>,
}

/// Gives what is there another end.
pub(super) fn touch(out: &mut Vec<u8>, key: &str, until: Seconds) {
    line(out, format_args!("mg {key} s T{until}"));
}

pub(super) fn remove(out: &mut Vec<u8>, key: &str) {
    line(out, format_args!("md {key}"));
}

/// Gives the item a new cas and leaves the rest.
pub(super) fn revoke(out: &mut Vec<u8>, key: &str) {
    line(out, format_args!("md {key} I"));
}

/// Any of the commands that are one word.
pub(super) fn word(out: &mut Vec<u8>, word: &str) {
    line(out, format_args!("{word}"));
}

fn line(out: &mut Vec<u8>, words: std::fmt::Arguments<'_>) {
    let mut text = String::with_capacity(64);
    // Writing to a string does not fail.
    let _ = text.write_fmt(words);
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Reads the reply at the start of `input` and says how many bytes it took; `None` if it has not come whole.
pub(super) fn read(input: &[u8]) -> Result<Option<(Reply, usize)>, Nonsense> {
    let Some((line, after)) = first_line(input, LONGEST_LINE)? else {
        return Ok(None);
    };
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let code = words.next().unwrap_or_default();
    let reply = match code {
        "HD" | "MN" => Reply::Done(item(words)?),
        "VA" => {
            let size = words.next().and_then(|size| size.parse().ok());
            let Some(size) = size.filter(|size: &usize| *size <= LARGEST_VALUE) else {
                return Err(nonsense(line));
            };
            let mut item = item(words)?;
            let Some(rest) = input.get(after + size..after + size + 2) else {
                return Ok(None);
            };
            if rest != b"\r\n" {
                return Err(Nonsense("a value is not as long as it is said to be".to_owned()));
            }
            item.value = input[after..after + size].to_vec();
            return Ok(Some((Reply::Done(item), after + size + 2)));
        }
        "EN" | "NF" => Reply::Absent,
        "EX" | "NS" => Reply::Changed,
        "VERSION" => Reply::Version(line["VERSION".len()..].trim().to_owned()),
        "STAT" | "END" => return report(input),
        "SERVER_ERROR" => Reply::Failed(line["SERVER_ERROR".len()..].trim().to_owned()),
        // The rest of what was sent may be taken for commands.
        _ => return Err(nonsense(line)),
    };
    Ok(Some((reply, after)))
}

fn nonsense(line: &str) -> Nonsense {
    let shown: String = line.chars().take(80).collect();
    Nonsense(format!("the answer {shown:?} is unknown"))
}

/// The line at the start of `input`, and where the next one begins.
fn first_line(input: &[u8], longest: usize) -> Result<Option<(&str, usize)>, Nonsense> {
    let seen = &input[..input.len().min(longest)];
    let Some(end) = seen.windows(2).position(|pair| pair == b"\r\n") else {
        return if seen.len() < longest {
            Ok(None)
        } else {
            Err(Nonsense("a line does not end".to_owned()))
        };
    };
    match str::from_utf8(&input[..end]) {
        Ok(line) => Ok(Some((line, end + 2))),
        Err(_) => Err(Nonsense("a line is not text".to_owned())),
    }
}

fn item<'a>(words: impl Iterator<Item = &'a str>) -> Result<Item, Nonsense> {
    let mut item = Item {
        value: Vec::new(),
        cas: 0,
        left: None,
    };
    for word in words {
        let mut characters = word.chars();
        let flag = characters.next();
        let token = characters.as_str();
        let number = || token.parse::<u64>().map_err(|_| nonsense(word));
        match flag {
            Some('c') => item.cas = number()?,
            Some('t') if token != "-1" => {
                let left: u32 = token.parse().map_err(|_| nonsense(word))?;
                item.left = Some(left.into());
            }
            // Won, stale, already won: what this store uses the protocol for does not ask.
            _ => {}
        }
    }
    Ok(item)
}

fn report(input: &[u8]) -> Result<Option<(Reply, usize)>, Nonsense> {
    let mut lines = Vec::new();
    let mut at = 0;
    while at < LONGEST_REPORT {
        let Some((line, length)) = first_line(&input[at..], LONGEST_LINE)? else {
            return Ok(None);
        };
        at += length;
        match line.strip_prefix("STAT ") {
            Some(line) => lines.push(line.to_owned()),
            None if line == "END" => return Ok(Some((Reply::Report(lines), at))),
            None => return Err(nonsense(line)),
        }
    }
    Err(Nonsense("a report does not end".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(input: &[u8]) -> Reply {
        // However it is cut, it is read the same.
        for cut in 0..input.len() {
            assert_eq!(read(&input[..cut]), Ok(None), "{cut} bytes");
        }
        let (reply, length) = read(input).unwrap().unwrap();
        assert_eq!(length, input.len());
        reply
    }

    #[test]
    fn replies_are_read_whole() {
        let item = Item {
            value: b"a\r\nEN\r\n".to_vec(),
            cas: 7,
            left: Some(59),
        };
        assert_eq!(whole(b"VA 7 c7 t59 W\r\na\r\nEN\r\n\r\n"), Reply::Done(item));
        let Reply::Done(item) = whole(b"HD s3 c12 t-1\r\n") else {
            panic!()
        };
        assert_eq!((item.cas, item.left), (12, None));
        assert_eq!(whole(b"EN\r\n"), Reply::Absent);
        assert_eq!(whole(b"EX c0\r\n"), Reply::Changed);
        assert_eq!(whole(b"VERSION 1.6.18\r\n"), Reply::Version("1.6.18".to_owned()));
        assert_eq!(
            whole(b"STAT pid 1\r\nSTAT time 2\r\nEND\r\n"),
            Reply::Report(vec!["pid 1".to_owned(), "time 2".to_owned()])
        );
        assert_eq!(
            whole(b"SERVER_ERROR out of memory\r\n"),
            Reply::Failed("out of memory".to_owned())
        );
    }

    #[test]
    fn what_is_no_reply_is_told_as_such() {
        for input in [
            &b"ERROR\r\n"[..],
            b"CLIENT_ERROR bad data chunk\r\n",
            b"\x15\x15\r\n",
            b"\xff\xff\r\n",
            b"VA x\r\n",
            b"VA 99999999999\r\n",
            b"VA 1 c1\r\nab\r\n",
            b"HD cx\r\n",
            b"HD t99999999999999\r\n",
            b"STAT a 1\r\nHD\r\n",
            &[b'x'; LONGEST_LINE],
        ] {
            assert!(read(input).is_err(), "{}", input.escape_ascii());
        }
        // A length that nothing backs is waited for, and nothing is set aside for it.
        assert_eq!(read(b"VA 1000000000 c1\r\nabc"), Ok(None));
    }
}

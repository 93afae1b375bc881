//! The answers of a server in RESP2, for connections that this store reads itself.
//!
//! Called by `lane`. Reads what is there without copying it, so that an answer which comes in many pieces is looked over
//! again and again at the price of its headers, and becomes values once it is whole.

use redis::{ErrorKind, RedisResult, Value};

/// Lists inside of lists: no script of the store answers with more.
const DEEPEST: usize = 4;
/// Bytes of a line: an error may repeat what was sent, shortened.
const LONGEST_LINE: usize = 64 * 1024;
/// Room made for a list before its parts have come.
const LIKELY: usize = 128;

/// An answer, or a part of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply<'a> {
    Bytes(&'a [u8]),
    Number(i64),
    List(Vec<Reply<'a>>),
    Nothing,
    /// A status or an error, its mark and end included: rare, and left to the client to read.
    Line(&'a [u8]),
}

impl<'a> Reply<'a> {
    /// The first answer in `bytes` and how many of them it takes; `None` while it is not whole.
    pub(super) fn read(bytes: &'a [u8]) -> RedisResult<Option<(Self, usize)>> {
        let mut rest = bytes;
        let reply = Self::take(&mut rest, DEEPEST)?;
        Ok(reply.map(|reply| (reply, bytes.len() - rest.len())))
    }

    fn take(rest: &mut &'a [u8], depth: usize) -> RedisResult<Option<Self>> {
        if let Some(bytes) = take_whole(rest) {
            return Ok(Some(Self::Bytes(bytes)));
        }
        // Before its end has come: whoever talks something else may never send one.
        if rest.first().is_some_and(|mark| !b"+-:$*".contains(mark)) {
            return Err(garbled());
        }
        let Some((line, after)) = first_line(rest) else {
            return if rest.len() < LONGEST_LINE {
                Ok(None)
            } else {
                Err(garbled())
            };
        };
        let (&mark, text) = line.split_first().ok_or_else(garbled)?;
        let whole = &rest[..rest.len() - after.len()];
        *rest = after;
        Ok(match mark {
            b'+' | b'-' => Some(Self::Line(whole)),
            b':' => Some(Self::Number(number(text)?)),
            b'$' | b'*' if text == b"-1" => Some(Self::Nothing),
            b'$' => take_bytes(rest, length(text)?)?.map(Self::Bytes),
            b'*' => {
                let depth = depth.checked_sub(1).ok_or_else(garbled)?;
                let count = length(text)?;
                let mut parts = Vec::with_capacity(count.min(LIKELY));
                for _ in 0..count {
                    let Some(part) = Self::take(rest, depth)? else {
                        return Ok(None);
                    };
                    parts.push(part);
                }
                Some(Self::List(parts))
            }
            _ => return Err(garbled()),
        })
    }

    /// The same as the client gives it.
    pub(super) fn into_value(self) -> RedisResult<Value> {
        Ok(match self {
            Self::Bytes(bytes) => Value::BulkString(bytes.to_vec()),
            Self::Number(number) => Value::Int(number),
            Self::Nothing => Value::Nil,
            Self::List(parts) => {
                let mut values = Vec::with_capacity(parts.len());
                for part in parts {
                    values.push(part.into_value()?);
                }
                Value::Array(values)
            }
            Self::Line(line) => redis::parse_redis_value(line)?,
        })
    }
}

/// What stands before the first `\r\n`, and what behind it.
fn first_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
    Some((line, &bytes[end + 1..]))
}

/// The answer to a look-up that found all it looked for: whole bytes in a list and nothing else. Most answers are this; any
/// other is left to those who look closer.
#[derive(Debug, PartialEq)]
pub(super) enum Values {
    /// As the client gives it, and how many bytes it takes.
    All(Value, usize),
    /// So far, and more of it is to come.
    More,
    Other,
}

/// Why there is nothing to take.
enum Stop {
    /// The bytes end too early.
    End,
    Other,
}

impl Values {
    pub(super) fn read(bytes: &[u8]) -> Self {
        match Self::all(bytes) {
            Ok((values, length)) => Self::All(Value::Array(values), length),
            Err(Stop::End) => Self::More,
            Err(Stop::Other) => Self::Other,
        }
    }

    fn all(bytes: &[u8]) -> Result<(Vec<Value>, usize), Stop> {
        let (count, parts) = take_length(bytes, b'*')?;
        let mut rest = parts;
        // Nothing is copied, and no room made, before all has come.
        for _ in 0..count {
            (_, rest) = split_whole(rest)?;
        }
        let (mut values, mut behind) = (Vec::with_capacity(count), parts);
        for _ in 0..count {
            let (bytes, after) = split_whole(behind)?;
            values.push(Value::BulkString(bytes.to_vec()));
            behind = after;
        }
        Ok((values, bytes.len() - rest.len()))
    }
}

/// Bytes that are all there. Anything else is left where it is.
fn take_whole<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (bytes, after) = split_whole(rest).ok()?;
    *rest = after;
    Some(bytes)
}

/// The same, and what stands behind them.
#[inline]
fn split_whole(bytes: &[u8]) -> Result<(&[u8], &[u8]), Stop> {
    let (length, after) = take_length(bytes, b'$')?;
    let (bytes, after) = after.split_at_checked(length).ok_or(Stop::End)?;
    match after {
        [b'\r', b'\n', after @ ..] => Ok((bytes, after)),
        [] | [b'\r'] => Err(Stop::End),
        _ => Err(Stop::Other),
    }
}

/// A length behind its mark, and what stands behind that.
#[inline]
fn take_length(bytes: &[u8], mark: u8) -> Result<(usize, &[u8]), Stop> {
    let byte = |at: usize| bytes.get(at).copied().ok_or(Stop::End);
    if byte(0)? != mark {
        return Err(Stop::Other);
    }
    let (mut length, mut at) = (0_u64, 1);
    loop {
        match byte(at)? {
            // So many digits never overflow.
            digit @ b'0'..=b'9' if at <= 18 => length = length * 10 + u64::from(digit - b'0'),
            b'\r' if at > 1 => break,
            _ => return Err(Stop::Other),
        }
        at += 1;
    }
    if byte(at + 1)? != b'\n' {
        return Err(Stop::Other);
    }
    let length = usize::try_from(length).map_err(|_| Stop::Other)?;
    Ok((length, &bytes[at + 2..]))
}

fn take_bytes<'a>(rest: &mut &'a [u8], length: usize) -> RedisResult<Option<&'a [u8]>> {
    let Some((bytes, after)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    let Some((end, after)) = after.split_first_chunk::<2>() else {
        return Ok(None);
    };
    if end != b"\r\n" {
        return Err(garbled());
    }
    *rest = after;
    Ok(Some(bytes))
}

fn number(text: &[u8]) -> RedisResult<i64> {
    let (digits, sign) = match text {
        [b'-', digits @ ..] => (digits, -1),
        digits => (digits, 1),
    };
    let more = |number: i64, digit: &u8| match digit {
        b'0'..=b'9' => number
            .checked_mul(10)?
            .checked_add(sign * i64::from(digit - b'0')),
        _ => None,
    };
    let number = digits.iter().try_fold(0, more);
    number.filter(|_| !digits.is_empty()).ok_or_else(garbled)
}

fn length(text: &[u8]) -> RedisResult<usize> {
    usize::try_from(number(text)?).map_err(|_| garbled())
}

fn garbled() -> redis::RedisError {
    (ErrorKind::Parse, "the answer is not one of the protocol").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] =
        b"*2\r\n*3\r\n$5\r\nab\r\nc\r\n$0\r\n\r\n*1\r\n$1\r\nt\r\n*3\r\n:-1\r\n:60000\r\n$-1\r\n";

    #[test]
    fn an_answer_is_read_once_it_is_whole_and_no_further() {
        for end in 0..ANSWER.len() {
            assert_eq!(Reply::read(&ANSWER[..end]).unwrap(), None, "at {end}");
        }
        let two = [ANSWER, b":7\r\n"].concat();
        let (reply, length) = Reply::read(&two).unwrap().unwrap();
        assert_eq!(length, ANSWER.len());
        assert_eq!(
            reply.into_value().unwrap(),
            redis::parse_redis_value(ANSWER).unwrap()
        );
    }

    #[test]
    fn values_are_read_as_the_client_reads_them() {
        let values = b"*3\r\n$5\r\nab\r\nc\r\n$0\r\n\r\n$12\r\nabcdefghijkl\r\n";
        for end in 0..values.len() {
            assert_eq!(Values::read(&values[..end]), Values::More, "at {end}");
        }
        let read = Values::All(redis::parse_redis_value(values).unwrap(), values.len());
        assert_eq!(Values::read(values), read);
        assert_eq!(Values::read(&[values, &b"*1\r\n"[..]].concat()), read);
        let none = Values::All(Value::Array(Vec::new()), 4);
        assert_eq!(Values::read(b"*0\r\n"), none);
    }

    #[test]
    fn what_is_not_only_values_is_left_to_others() {
        for bytes in [
            ANSWER,
            b"*2\r\n$1\r\na\r\n$-1\r\n",
            b"*1\r\n:1\r\n",
            b"$1\r\na\r\n",
            b"*-1\r\n",
            b"*\r\n",
            b"*1\n$1\r\na\r\n",
            b"*1\r\n$\r\na\r\n",
            b"*1\r\n$1\r\nabc\r\n",
            b"*1\r\n$0000000000000000001\r\na\r\n",
            b"*99999999999999999999\r\n",
        ] {
            assert_eq!(Values::read(bytes), Values::Other, "{bytes:?}");
        }
        // No room is made for what has only been announced.
        for bytes in [&b"*999999999999999999\r\n"[..], b"*1\r\n$999999999999999999\r\n"] {
            assert_eq!(Values::read(bytes), Values::More, "{bytes:?}");
        }
    }

    #[test]
    fn an_error_is_the_clients_to_read() {
        let (reply, _) = Reply::read(b"-NOSCRIPT no such script\r\n").unwrap().unwrap();
        let error = reply.into_value().and_then(Value::extract_error).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server(redis::ServerErrorKind::NoScript));
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_takes_no_memory() {
        for bytes in [
            &b"\r\n"[..],
            b"?",
            b":x\r\n",
            b"$-2\r\n",
            b"$1\r\nabc\r\n",
            b"$\r\n\r\n",
            b"$x1\r\na\r\n",
            b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        ] {
            assert!(Reply::read(bytes).is_err(), "{bytes:?}");
        }
        assert_eq!(Reply::read(b"*9223372036854775807\r\n").unwrap(), None);
        assert_eq!(Reply::read(b"$9223372036854775807\r\n").unwrap(), None);
    }
}

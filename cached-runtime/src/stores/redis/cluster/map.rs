//! Which server of a cluster keeps which slots.
//!
//! Made of what a server answers to `CLUSTER SLOTS`. Knows nothing of how servers are reached.

use redis::{ErrorKind, RedisResult, Value};

use super::slots::SLOTS;

/// A server as its neighbours call it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Slots, both ends included, and the primary that keeps them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) slots: std::ops::RangeInclusive<u16>,
    pub(super) primary: Address,
}

impl Address {
    /// As a redirection has it: `host:port`, where no host means the one that was asked.
    pub(super) fn read(text: &str, asked: &Self) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok()?;
        let host = if host.is_empty() { &asked.host } else { host };
        Some(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
        })
    }
}

/// Reads what the server at `asked` has answered to `CLUSTER SLOTS`.
pub(super) fn read(answer: Value, asked: &Address) -> RedisResult<Vec<Range>> {
    let Value::Array(ranges) = answer else {
        return Err((ErrorKind::Parse, "the slots of the cluster cannot be read").into());
    };
    // A range whose server nobody can name (`?`) is one that nobody keeps.
    Ok(ranges
        .into_iter()
        .filter_map(|range| read_range(&range, asked))
        .collect())
}

fn read_range(range: &Value, asked: &Address) -> Option<Range> {
    let Value::Array(range) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = range.as_slice() else {
        return None;
    };
    let [host, Value::Int(port), ..] = primary.as_slice() else {
        return None;
    };
    let host = match host {
        Value::BulkString(host) => str::from_utf8(host).ok()?,
        Value::Nil => "",
        _ => return None,
    };
    let host = match host {
        "?" => return None,
        "" => &asked.host,
        host => host,
    };
    let (first, last) = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
    (last < SLOTS).then_some(Range {
        slots: first..=last,
        primary: Address {
            host: host.to_owned(),
            port: u16::try_from(*port).ok()?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, port: u16) -> Address {
        let host = host.to_owned();
        Address { host, port }
    }

    #[test]
    fn ranges_are_read_and_what_makes_no_sense_is_passed_over() {
        let answer = redis::parse_redis_value(
            b"*6\r\n*4\r\n:0\r\n:99\r\n*3\r\n$1\r\na\r\n:7000\r\n$2\r\nid\r\n*3\r\n$1\r\nb\r\n:7001\r\n$2\r\nid\r\n\
              *3\r\n:100\r\n:100\r\n*3\r\n$0\r\n\r\n:7002\r\n$2\r\nid\r\n\
              *3\r\n:101\r\n:101\r\n*3\r\n$-1\r\n:7003\r\n$2\r\nid\r\n\
              *3\r\n:102\r\n:103\r\n*3\r\n$1\r\n?\r\n:7000\r\n$2\r\nid\r\n\
              *3\r\n:104\r\n:99999\r\n*3\r\n$1\r\na\r\n:7000\r\n$2\r\nid\r\n\
              $1\r\nx\r\n",
        );
        let ranges = read(answer.unwrap(), &address("asked", 1)).unwrap();
        let kept: Vec<_> = ranges
            .into_iter()
            .map(|range| (range.slots, range.primary))
            .collect();
        assert_eq!(
            kept,
            [
                (0..=99, address("a", 7000)),
                (100..=100, address("asked", 7002)),
                (101..=101, address("asked", 7003)),
            ]
        );
        assert!(read(Value::Okay, &address("asked", 1)).is_err());
    }

    #[test]
    fn a_redirection_names_a_server() {
        let asked = address("asked", 1);
        assert_eq!(Address::read("a:7000", &asked), Some(address("a", 7000)));
        assert_eq!(Address::read("::1:7000", &asked), Some(address("::1", 7000)));
        assert_eq!(Address::read(":7000", &asked), Some(address("asked", 7000)));
        assert_eq!(Address::read("a", &asked), None);
    }
}

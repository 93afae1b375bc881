//! Where a memcached server is: `host:port` or the path of a socket file, read strictly.
//!
//! Called once for each server. Knows nothing of connections.

use std::fmt;

use crate::{Error, ErrorKind};

const PORT: u16 = 11211;
const FORMS: &str = "host[:port], [ipv6][:port], unix:/path/memcached.sock or /path/memcached.sock";

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Address {
    Tcp { host: String, port: u16 },
    Unix(String),
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            let what = format!("the memcached address {text:?} cannot be used: {why}: expected {FORMS}");
            Err(Error::new(ErrorKind::Configuration, what))
        };
        let text = text.trim();
        let path = text
            .strip_prefix("unix:")
            .map(|path| path.strip_prefix("//").unwrap_or(path));
        if let Some(path) = path.or_else(|| text.starts_with('/').then_some(text)) {
            return if path.starts_with('/') {
                Ok(Self::Unix(path.to_owned()))
            } else {
                refuse("the path of a socket file begins with `/`")
            };
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                Some((host, "")) => (host, None),
                Some((host, port)) if port.starts_with(':') => (host, Some(&port[1..])),
                _ => return refuse("a `[` is not closed"),
            },
            None => match text.split_once(':') {
                None => (text, None),
                Some((_, port)) if port.contains(':') && !port.contains('/') => {
                    return refuse("an IPv6 address stands in brackets");
                }
                Some((host, port)) => (host, Some(port)),
            },
        };
        if host.is_empty()
            || host.contains(|c: char| c.is_whitespace() || c.is_control() || "/@,".contains(c))
        {
            return refuse("it names no host");
        }
        match port.map_or(Ok(PORT), str::parse) {
            Ok(port) if port != 0 => Ok(Self::Tcp {
                host: host.to_owned(),
                port,
            }),
            _ => refuse("the port is a number from 1 to 65535"),
        }
    }

    /// The name that servers have on the ring of libmemcached, which leaves the usual port out.
    pub(super) fn on_the_ring(&self) -> String {
        match self {
            Self::Tcp { host, port: PORT } => host.clone(),
            Self::Tcp { host, port } => format!("{host}:{port}"),
            Self::Unix(path) => format!("{path}:0"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_named() {
        for (text, name, ring) in [
            ("127.0.0.1:11311", "127.0.0.1:11311", "127.0.0.1:11311"),
            ("cache.example", "cache.example:11211", "cache.example"),
            (" 10.0.0.7:11211 ", "10.0.0.7:11211", "10.0.0.7"),
            ("[::1]:7000", "[::1]:7000", "::1:7000"),
            ("[::1]", "[::1]:11211", "::1"),
            ("/run/m.sock", "unix:/run/m.sock", "/run/m.sock:0"),
            ("unix:/run/m.sock", "unix:/run/m.sock", "/run/m.sock:0"),
            ("unix:///run/m.sock", "unix:/run/m.sock", "/run/m.sock:0"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.to_string(), name);
            assert_eq!(address.on_the_ring(), ring);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_is() {
        for text in [
            "",
            ":11211",
            "host:",
            "host:0",
            "host:65536",
            "host:x",
            "::1",
            "[::1",
            "[::1]x",
            "unix:m.sock",
            "memcached://host:1",
            "http://host",
            "a b:1",
            "user@host:1",
            "a:1,b:2",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(
                error.to_string().contains("expected host[:port]"),
                "{text}: {error}"
            );
        }
    }
}

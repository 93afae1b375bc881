//! Which commands answer which verb, on one server: where the promise about tokens is kept.
//!
//! Called by the store with the keys that a server has. Knows nothing of the other servers.
//!
//! # Tokens
//!
//! Memcached gives every item a number, its cas, drawn from one counter of the server at each change, so that no item
//! ever has it again. The token of a key is the cas of what stands under it, and a fill is a compare-and-swap on it:
//!
//! * A look-up (`mg .. N`) that misses makes an empty item in the same step, the *lease*. Whoever misses next finds it
//!   and is given the same token. An entry is never empty, it begins with a head (see [`item`](super::item)), so a lease
//!   never looks like one.
//! * A fill (`ms .. C`) replaces the item whose cas the token is. A put (`ms`) gives the key another cas, a removal
//!   (`md`) takes the item away, and the next miss makes one with another cas: in one step with the change itself, and
//!   whichever process does it, no older token stands any more. So does every fill, hence a token fills once.
//! * A reservation (`md .. I`) gives what is there a new cas and leaves it readable, then learns that cas or makes a
//!   lease. What comes between the two steps came before the load that the reservation is for, so its token may be
//!   shared with a miss that came between, and is never older than any change.
//! * What has ended, is void (see [`link`](super::link)) or belongs to another key of the same digest is a miss, and its
//!   own cas the token. The fill replaces it.
//!
//! A server that evicts a lease, or lets it expire after [`LEASE`] seconds, refuses a fill and nothing else. One that
//! restarts counts from 1 again and could give an old token's number to a new lease of the same key: therefore a token
//! stands only on the connection that it came on, and that ends with the server. Two things of memcached's that would
//! break this are looked at when a connection is made: a server that keeps no cas (`-C`) is refused; and a fill with
//! cas 0, which the server would take for a plain store, is never sent.

use std::time::Duration;

use super::item::{self, End, Entry, Key, LEASE};
use super::link::{Fault, Link, Wire};
use super::wire::{self, Item, Reply, Stored};
use crate::store::{Filled, Filling, Found, Lookup, Token};

/// Why a verb has failed on a server.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Fault(Fault),
    /// The server's own words.
    Refused(String),
    /// The value has so many bytes, with what is stored beside it, and the server takes so many.
    TooLarge {
        bytes: usize,
        largest: usize,
    },
    /// Under the key is something that no store of this kind has written.
    Foreign,
    /// An answer to another question.
    Unexpected,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

type Outcome<T> = Result<T, Failure>;

/// The number of a connection, and a cas on it.
fn token(wire: &Wire, cas: u64) -> Token {
    Token::new([wire.number.to_le_bytes(), cas.to_le_bytes()].concat())
}

fn read_token(token: &Token) -> Option<(u64, u64)> {
    let (number, cas) = token.as_bytes().split_first_chunk()?;
    let cas = u64::from_le_bytes(cas.try_into().ok()?);
    (cas != 0).then(|| (u64::from_le_bytes(*number), cas))
}

/// Looks all keys up in one round trip.
pub(super) async fn get(link: &Link, keys: &[&str]) -> Outcome<Vec<Outcome<Lookup>>> {
    let wire = link.wire().await?;
    let keys: Vec<Key<'_>> = keys.iter().map(|key| Key::new(key)).collect();
    let mut bytes = Vec::new();
    keys.iter()
        .for_each(|key| wire::look_up(&mut bytes, &key.wire, LEASE));
    let replies = wire.ask(bytes, keys.len()).await?;
    let now = wire.clock.now();
    let answers = keys.iter().zip(replies);
    Ok(answers
        .map(|(key, reply)| looked_up(&wire, key, reply, now))
        .collect())
}

fn looked_up(wire: &Wire, key: &Key<'_>, reply: Reply, now: i64) -> Outcome<Lookup> {
    match reply {
        Reply::Done(item) if item.value.is_empty() => Ok(Lookup::Missing(token(wire, item.cas))),
        Reply::Done(item) => {
            let entry = item::open(key, &item.value).ok_or(Failure::Foreign)?;
            Ok(match living(wire, &item, &entry, now) {
                None => Lookup::Missing(token(wire, item.cas)),
                Some(end) => Lookup::Found(Found {
                    bytes: entry.bytes.to_vec(),
                    remaining: left(&entry, end, now),
                }),
            })
        }
        // No room for a lease. That is no reason to fail a look-up, but its load goes unstored.
        Reply::Failed(_) | Reply::Absent => Ok(Lookup::Missing(token(wire, 0))),
        _ => Err(Failure::Unexpected),
    }
}

/// When an entry ends, if it is one of this key that still counts.
fn living(wire: &Wire, item: &Item, entry: &Entry<'_>, now: i64) -> Option<End> {
    let end = entry.end.as_kept(item.left, now);
    (entry.is_ours && !end.is_past(now) && wire.trust.covers(item.cas, entry.birth)).then_some(end)
}

/// The life left of an entry. Never more than it was given: what is known of the server's time may have been set back a
/// little since it was written.
fn left(entry: &Entry<'_>, end: End, now: i64) -> Option<Duration> {
    end.left(now.max(entry.birth))
}

pub(super) async fn reserve(link: &Link, key: &str) -> Outcome<Token> {
    let wire = link.wire().await?;
    let key = Key::new(key);
    let mut bytes = Vec::new();
    wire::revoke(&mut bytes, &key.wire);
    wire::inspect(&mut bytes, &key.wire, LEASE);
    match &wire.ask(bytes, 2).await?[..] {
        [Reply::Done(_) | Reply::Absent, Reply::Done(item)] => Ok(token(&wire, item.cas)),
        [Reply::Failed(why), _] => Err(Failure::Refused(why.clone())),
        [_, Reply::Failed(_) | Reply::Absent] => Ok(token(&wire, 0)),
        _ => Err(Failure::Unexpected),
    }
}

/// Fills all keys in one round trip, each that can be on the connection that its token came on.
pub(super) async fn fill(link: &Link, fills: &[Filling<'_>]) -> Outcome<Vec<Outcome<Filled>>> {
    let mut answers = vec![Ok(Filled::Refused); fills.len()];
    let Some(wire) = fills
        .iter()
        .find_map(|fill| link.wire_of(read_token(fill.token)?.0))
    else {
        return Ok(answers);
    };
    let (mut bytes, mut sent) = (Vec::new(), Vec::new());
    for (fill, answer) in fills.iter().zip(&mut answers) {
        let Some((number, cas)) = read_token(fill.token) else {
            continue;
        };
        if number == wire.number {
            match write(&wire, &mut bytes, fill.key, fill.bytes, fill.ttl, Some(cas)) {
                Ok(()) => sent.push(answer),
                Err(failure) => *answer = Err(failure),
            }
        }
    }
    if sent.is_empty() {
        return Ok(answers);
    }
    let replies = wire.ask(bytes, sent.len()).await?;
    for (answer, reply) in sent.into_iter().zip(replies) {
        *answer = match reply {
            Reply::Done(_) => Ok(Filled::Stored),
            Reply::Absent | Reply::Changed => Ok(Filled::Refused),
            Reply::Failed(why) => Err(Failure::Refused(why)),
            _ => Err(Failure::Unexpected),
        };
    }
    Ok(answers)
}

/// Writes the command that stores an entry, unless the server is known not to take it.
fn write(
    wire: &Wire,
    out: &mut Vec<u8>,
    key: &str,
    bytes: &[u8],
    ttl: Option<Duration>,
    cas: Option<u64>,
) -> Outcome<()> {
    let key = Key::new(key);
    let now = wire.clock.now();
    let end = End::after(now, ttl);
    let head = item::head(&key, now, end);
    let size = key.wire.len() + head.len() + bytes.len();
    if size > wire.largest {
        return Err(Failure::TooLarge {
            bytes: size,
            largest: wire.largest,
        });
    }
    let until = end.kept_until();
    wire::store(out, &key.wire, &[&head, bytes], &Stored { until, cas });
    Ok(())
}

/// Stores. A put that fails has at least revoked, and leaves no older value behind.
pub(super) async fn put(link: &Link, key: &str, bytes: &[u8], ttl: Option<Duration>) -> Outcome<()> {
    let wire = link.wire().await?;
    let mut command = Vec::new();
    let failure = match write(&wire, &mut command, key, bytes, ttl, None) {
        Err(failure) => failure,
        Ok(()) => match &wire.ask(command, 1).await?[..] {
            [Reply::Done(_)] => return Ok(()),
            [Reply::Failed(why)] => Failure::Refused(why.clone()),
            _ => return Err(Failure::Unexpected),
        },
    };
    remove(link, &[key]).await?;
    Err(failure)
}

pub(super) async fn remove(link: &Link, keys: &[&str]) -> Outcome<()> {
    let wire = link.wire().await?;
    let mut bytes = Vec::new();
    keys.iter()
        .for_each(|key| wire::remove(&mut bytes, &Key::new(key).wire));
    for reply in wire.ask(bytes, keys.len()).await? {
        match reply {
            Reply::Done(_) | Reply::Absent => {}
            Reply::Failed(why) => return Err(Failure::Refused(why)),
            _ => return Err(Failure::Unexpected),
        }
    }
    Ok(())
}

/// The life left of a key that is there.
pub(super) async fn remaining(link: &Link, key: &str) -> Outcome<Option<Option<Duration>>> {
    let wire = link.wire().await?;
    let key = Key::new(key);
    let mut bytes = Vec::new();
    wire::peek(&mut bytes, &key.wire);
    match &wire.ask(bytes, 1).await?[..] {
        [Reply::Done(item)] => {
            let now = wire.clock.now();
            let entry = item::open(&key, &item.value);
            let alive = entry.and_then(|entry| Some((living(&wire, item, &entry, now)?, entry)));
            Ok(alive.map(|(end, entry)| left(&entry, end, now)))
        }
        [Reply::Absent] => Ok(None),
        [Reply::Failed(why)] => Err(Failure::Refused(why.clone())),
        _ => Err(Failure::Unexpected),
    }
}

/// Looks whether an entry is there that still counts, then has the server keep it longer. A lease that came in its
/// place meanwhile is kept longer too, and never shorter, since a touch asks for more than [`LEASE`].
pub(super) async fn touch(link: &Link, key: &str, ttl: Duration) -> Outcome<bool> {
    if remaining(link, key).await?.is_none() {
        return Ok(false);
    }
    let wire = link.wire().await?;
    let until = End::touched(wire.clock.now(), ttl).kept_until();
    let mut bytes = Vec::new();
    wire::touch(&mut bytes, &Key::new(key).wire, until);
    match &wire.ask(bytes, 1).await?[..] {
        [Reply::Done(_)] => Ok(true),
        [Reply::Absent] => Ok(false),
        [Reply::Failed(why)] => Err(Failure::Refused(why.clone())),
        _ => Err(Failure::Unexpected),
    }
}

pub(super) async fn ping(link: &Link) -> Outcome<()> {
    let mut bytes = Vec::new();
    wire::word(&mut bytes, "version");
    match &link.wire().await?.ask(bytes, 1).await?[..] {
        [Reply::Version(_)] => Ok(()),
        _ => Err(Failure::Unexpected),
    }
}

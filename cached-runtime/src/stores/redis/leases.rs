//! Leases: how a Redis server keeps the promise about tokens.
//!
//! The token of a key is the content of a second key beside it, the lease. Whoever changes the value by other means
//! than a fill deletes the lease in the same step; a fill compares, stores and deletes in one script. A server that
//! evicts a lease, or restarts without it, refuses one fill and nothing else.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, Pipeline, RedisResult, ServerErrorKind, Value, cmd};

use super::carrier::Carrier;
use super::link::{Link, Waits};
use super::request::Request;

/// How long a lease stands after the last miss that was given it. A load that takes longer is not stored.
///
/// Long enough for a slow report, short enough that misses which never fill (a value that is not kept) do not pile up.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// `{shop:user:42}:lease`. In a cluster it lies in the slot of its value, which the braces see to; it begins with a
/// character that no namespace begins with, so it is never the key of a value, and never matches a prefix of them.
pub(super) fn lease_of(key: &str) -> String {
    [OPEN, key, CLOSE].concat()
}

/// The value key that `lease` belongs to.
pub(super) fn key_of(lease: &str) -> Option<&str> {
    lease.strip_prefix(OPEN)?.strip_suffix(CLOSE)
}

/// Keys named by one `UNLINK`, each with its lease.
pub(super) const BATCH: usize = 500;

const OPEN: &str = "{";
pub(super) const CLOSE: &str = "}:lease";

/// A glob that matches the leases of all keys that `pattern` matches; of more where `pattern` ends inside a class or
/// an escape, since what follows would then be read as part of it. To revoke too much costs a fill, not a promise.
pub(super) fn leases_matching(pattern: &str) -> String {
    if is_closed(pattern) {
        return lease_of(pattern);
    }
    let literal = pattern.find(['*', '?', '[', '\\']).unwrap_or(pattern.len());
    [OPEN, &pattern[..literal], "*"].concat()
}

/// Whether a glob put after `pattern` means what it means alone.
fn is_closed(pattern: &str) -> bool {
    let (mut class, mut characters) = (false, pattern.chars());
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.next().is_none() => return false,
            '[' => class = true,
            ']' => class = false,
            _ => {}
        }
    }
    !class
}

/// The commands that remove `keys` with their leases.
pub(super) fn removals(keys: &[String]) -> impl Iterator<Item = Cmd> {
    keys.chunks(BATCH).map(|keys| {
        let mut unlink = cmd("UNLINK");
        for key in keys {
            unlink.arg(key).arg(lease_of(key));
        }
        unlink
    })
}

/// Removes `keys` with their leases over a connection of nobody's yet.
pub(super) async fn remove(connection: &mut MultiplexedConnection, keys: &[String]) -> RedisResult<()> {
    for unlink in removals(keys) {
        unlink.query_async::<Value>(connection).await?;
    }
    Ok(())
}

/// A token that nobody else makes.
pub(super) fn fresh() -> [u8; 16] {
    fastrand::u128(..).to_le_bytes()
}

/// The same for one who replaces what is there. Those of look-ups end with a number.
pub(super) fn replacing() -> Vec<u8> {
    [&fresh()[..], &[REPLACING]].concat()
}

/// Whether a fill under this token may replace something, as far as can be seen: a look-up that comes later shares it.
pub(super) fn is_replacing(token: &[u8]) -> bool {
    token.last() == Some(&REPLACING)
}

const REPLACING: u8 = b'r';

/// `PX` takes milliseconds that, added to the server's clock, must fit 63 bits, and refuses 0.
pub(super) fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis())
        .unwrap_or(u64::MAX)
        .clamp(1, (i64::MAX / 2).unsigned_abs())
}

/// A script the server knows by its digest, and is told in full when it does not.
pub(super) struct Script {
    source: &'static str,
    digest: String,
}

/// The scripts of the store.
pub(super) struct Scripts {
    pub(super) look_up: Script,
    pub(super) fill: Script,
    pub(super) fill_many: Script,
    pub(super) put: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            look_up: Script::new(LOOK_UP),
            fill: Script::new(FILL),
            fill_many: Script::new(FILL_MANY),
            put: Script::new(PUT),
        }
    }
}

/// For each key the value; or a list of its token, the one that stands with its life renewed or else a fresh one; or a
/// list of an error of this key alone and a 0. Where the third argument is `life`, these in a list, and beside it one
/// of the lives left as `PTTL` tells them. Where it is `rest`, the values have just been asked for, and where all keys
/// are there nothing but a 0 is answered. A fourth is what leases open with. Where memory is short a fresh token does not
/// stand, and the load goes unstored; that is no reason to fail a look-up.
///
/// A hit costs the server little more than its share of the `MGET`, which is why nothing else is asked for it: the lives
/// only where somebody needs them; the leases not as `KEYS`, of which the server would make twice the strings for
/// names that a hit has no use for. They are made here, of declared keys and in their slots. `MGET` passes over what
/// is no string, and fails as a whole where one key may not be read, so what it did not bring is asked for by itself.
const LOOK_UP: &str = "\
if ARGV[3] == 'rest' and redis.call('EXISTS', unpack(KEYS)) == #KEYS then return 0 end
local answers = redis.pcall('MGET', unpack(KEYS))
if answers.err then answers = {} end
for n = 1, #KEYS do
  if not answers[n] then
    local value = redis.pcall('GET', KEYS[n])
    if not value then
      local lease = (ARGV[4] or '{') .. KEYS[n] .. '}:lease'
      value = redis.pcall('GET', lease)
      if type(value) ~= 'string' then value = ARGV[2] .. n end
      local done = redis.pcall('SET', lease, value, 'PX', ARGV[1])
      if done.err and not string.find(done.err, 'OOM', 1, true) then return done end
      value = {value}
    elseif type(value) == 'table' then value = {value.err, 0} end
    answers[n] = value
  end
end
if ARGV[3] ~= 'life' then return answers end
local lives = {}
for n = 1, #KEYS do
  lives[n] = type(answers[n]) == 'string' and redis.call('PTTL', KEYS[n]) or 0
end
return {answers, lives}";

/// The value is stored first: where memory is short that step fails, and the script with nothing done.
const FILL: &str = "\
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
redis.call('DEL', KEYS[2])
return 1";

/// For each pair of a key and its lease, 1 if the value is stored and 0 if not; or the error of this key alone.
const FILL_MANY: &str = "\
local told = {}
for n = 1, #KEYS / 2 do
  local key, lease, at = KEYS[2 * n - 1], KEYS[2 * n], 3 * n - 2
  told[n] = 0
  if redis.pcall('GET', lease) == ARGV[at] then
    local done
    if ARGV[at + 2] == '' then done = redis.pcall('SET', key, ARGV[at + 1])
    else done = redis.pcall('SET', key, ARGV[at + 1], 'PX', ARGV[at + 2]) end
    if done.err then told[n] = done.err
    else
      redis.call('DEL', lease)
      told[n] = 1
    end
  end
end
return told";

/// A put that fails, for want of memory, has at least revoked, and leaves no older value behind. The value goes first
/// all the same: once a script has written anything, the server lets it go past its bound of memory.
const PUT: &str = "\
local done
if ARGV[2] == '' then done = redis.pcall('SET', KEYS[1], ARGV[1])
else done = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
redis.call('DEL', KEYS[2])
if done.err then redis.call('DEL', KEYS[1]) end
return done";

impl Script {
    fn new(source: &'static str) -> Self {
        Self {
            source,
            digest: redis::Script::new(source).get_hash().to_owned(),
        }
    }

    /// Runs the script on `keys`, which lie with the first. A server that does not know it (new, restarted, flushed) has
    /// done nothing, so it is asked again with the source.
    pub(super) async fn run(
        &self,
        carrier: &Carrier,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> RedisResult<Value> {
        let key = keys.first().copied().unwrap_or_default();
        let answer = carrier.run(key, &self.command(false, keys, arguments)).await;
        if is_unknown(&answer) {
            return carrier.run(key, &self.command(true, keys, arguments)).await;
        }
        answer
    }

    /// The same for a script that may be run twice, behind `first` in the same journey; its answer is the last.
    pub(super) async fn look(
        &self,
        link: &Link,
        first: Option<&Cmd>,
        keys: &[&str],
        arguments: &[&[u8]],
        waits: Waits,
    ) -> RedisResult<Vec<Value>> {
        let commands = |in_full| {
            let mut commands = Pipeline::with_capacity(2);
            if let Some(first) = first {
                commands.add_command(first.clone());
            }
            commands.add_command(self.command(in_full, keys, arguments));
            commands
        };
        let answers = link.look(Request::Commands(&commands(false)), waits).await;
        if is_unknown(&answers) {
            return link.look(Request::Commands(&commands(true)), waits).await;
        }
        answers
    }

    /// The command that runs it, by its digest or `in_full`.
    pub(super) fn command(&self, in_full: bool, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
        if in_full {
            command("EVAL", self.source, keys, arguments)
        } else {
            command("EVALSHA", &self.digest, keys, arguments)
        }
    }
}

fn is_unknown<T>(answer: &RedisResult<T>) -> bool {
    let unknown = ErrorKind::Server(ServerErrorKind::NoScript);
    answer.as_ref().is_err_and(|error| error.kind() == unknown)
}

fn command(verb: &str, script: &str, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
    let sum = |parts: usize, next: usize| parts + next;
    let named = keys
        .iter()
        .map(|key| key.len())
        .fold(verb.len() + script.len(), sum);
    let size = arguments.iter().map(|argument| argument.len()).fold(named, sum);
    let mut command = Cmd::with_capacity(keys.len() + arguments.len() + 3, size + 20);
    command.arg(verb);
    command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_leads_back_to_its_key() {
        for key in ["shop:user:42", "", "a}:lease", "{b}:lease"] {
            assert_eq!(key_of(&lease_of(key)), Some(key));
        }
        assert_eq!(key_of("shop:user:42"), None);
    }

    #[test]
    fn an_open_pattern_is_widened() {
        assert_eq!(leases_matching(r"a:\[[x-z]?*"), r"{a:\[[x-z]?*}:lease");
        assert_eq!(leases_matching("a:b?[x-"), "{a:b*");
        assert_eq!(leases_matching(r"a:b\"), "{a:b*");
        assert_eq!(leases_matching("a:]"), "{a:]}:lease");
    }

    #[test]
    fn a_ttl_is_what_the_server_takes() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_micros(1500)), 1);
        assert_eq!(milliseconds(Duration::MAX), (i64::MAX / 2).unsigned_abs());
    }
}

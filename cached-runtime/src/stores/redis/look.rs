//! What a look-up of several keys travels as.
//!
//! Called by the store. Knows the script that looks up, and nothing of what its answers mean.
//!
//! The script answers everything in one journey, but each value that it hands on costs the server as much again as
//! reading it does. So while everything that is looked for is there, the values are asked for by a plain `MGET`, and the
//! script behind it in the same journey has no more to say than that nothing is missing. Where something is, it
//! answers as it does alone; and since values then travel twice, the next look-ups are the script's alone, until
//! nothing is missing again. So a miss costs one journey too.
//!
//! That question costs the server as much as the values do. Once so many keys in a row were there that a miss is hardly to
//! be expected, it is left out, and the rare miss asks the script in a second journey.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use redis::{Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};

use super::leases::{LEASE, Script, fresh, milliseconds};
use super::link::{Link, Waits};
use super::request::{Request, mget};

/// Keys from which on the second command costs the server less than it saves.
const FEW: usize = 4;
/// So many keys in a row have to be there; so at most one look-up in as many makes a second journey.
const LONG: u32 = 4096;

/// What the last look-ups of a store came to.
#[derive(Default)]
pub(super) struct Luck {
    /// Keys that were there since one was not, up to `LONG`.
    streak: AtomicU32,
}

impl Luck {
    /// Asks for `keys`, with the lives left if `life` says so, and answers as the `script` does.
    ///
    /// Boxed are the ways of more than one command: this is moved about for every hit, and to be small.
    pub(super) async fn look(
        &self,
        script: &Script,
        link: &Link,
        keys: &[&str],
        life: bool,
        waits: Waits,
    ) -> RedisResult<Value> {
        let streak = if life { 0 } else { self.streak.load(Relaxed) };
        let expected = if streak == LONG {
            values_alone(link, keys, waits).await?
        } else if streak > 0 && keys.len() >= FEW {
            Box::pin(values_and_rest(script, link, keys, waits)).await?
        } else {
            None
        };
        if let Some(answers) = expected {
            self.learn(&answers);
            return Ok(Value::Array(answers));
        }
        let third: &[u8] = if life { b"life" } else { b"" };
        let mut answers = Box::pin(ask(script, link, None, keys, third, waits)).await?;
        let answer = answers.pop().unwrap_or(Value::Nil);
        match &answer {
            Value::Array(answers) if !life => self.learn(answers),
            _ => {}
        }
        Ok(answer)
    }

    /// Written only when it changes: all look-ups of the store read it.
    fn learn(&self, answers: &[Value]) {
        let before = self.streak.load(Relaxed);
        let more = u32::try_from(answers.len()).unwrap_or(LONG);
        let now = if answers.iter().all(is_value) {
            before.saturating_add(more).min(LONG)
        } else {
            0
        };
        if now != before {
            self.streak.store(now, Relaxed);
        }
    }
}

/// The values of all keys, if they are there: else nothing is known, not even that one is missing.
async fn values_alone(link: &Link, keys: &[&str], waits: Waits) -> RedisResult<Option<Vec<Value>>> {
    let answers = link.look(Request::Values(keys), waits).await;
    match answers.map(<[Value; 1]>::try_from) {
        Ok(Ok([Value::Array(answers)])) if answers.iter().all(is_value) => Ok(Some(answers)),
        Err(error) if !is_forbidden(&error) => Err(error),
        _ => Ok(None),
    }
}

/// The same, and where one is missing what the script answers for all: in one journey.
async fn values_and_rest(
    script: &Script,
    link: &Link,
    keys: &[&str],
    waits: Waits,
) -> RedisResult<Option<Vec<Value>>> {
    let answers = ask(script, link, Some(&mget(keys)), keys, b"rest", waits).await;
    match answers.map(<[Value; 2]>::try_from) {
        Ok(Ok([Value::Array(answers), Value::Int(0)])) if answers.iter().all(is_value) => Ok(Some(answers)),
        Ok(Ok([_, Value::Array(answers)])) => Ok(Some(answers)),
        Err(error) if !is_forbidden(&error) => Err(error),
        // Came or went in between, or is no value.
        _ => Ok(None),
    }
}

/// Runs the script that looks up, behind `first` in the same journey.
async fn ask(
    script: &Script,
    link: &Link,
    first: Option<&Cmd>,
    keys: &[&str],
    third: &[u8],
    waits: Waits,
) -> RedisResult<Vec<Value>> {
    let lease = milliseconds(LEASE).to_string();
    script
        .look(link, first, keys, &[lease.as_bytes(), &fresh(), third], waits)
        .await
}

fn is_value(answer: &Value) -> bool {
    matches!(answer, Value::BulkString(_))
}

/// This user may not read all of the keys: the script tells which.
fn is_forbidden(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm)
}

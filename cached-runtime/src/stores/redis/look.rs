//! What a look-up of several keys travels as.
//!
//! Called by the store. Knows the script that looks up, and nothing of what its answers mean.
//!
//! The script answers everything in one journey, but each value that it hands on costs the server as much again as
//! reading it does. So while everything that is looked for is there, the values are asked for by a plain `MGET`, and the
//! script behind it in the same journey has no more to say than that nothing is missing. Where something is, it
//! answers as it does alone; and since values then travel twice, the next look-ups are the script's alone, until
//! nothing is missing again. So a miss costs one journey too.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use redis::{Cmd, ErrorKind, RedisResult, ServerErrorKind, Value};

use super::leases::{LEASE, Script, fresh, milliseconds};
use super::link::Link;

/// Keys from which on the second command costs the server less than it saves.
const FEW: usize = 4;

/// What the last look-ups of a store came to.
#[derive(Default)]
pub(super) struct Luck {
    /// All that was looked for was there.
    good: AtomicBool,
}

impl Luck {
    /// Asks for `keys`, with the lives left if `life` says so, and answers as the `script` does.
    pub(super) async fn look(
        &self,
        script: &Script,
        link: &Link,
        keys: &[&str],
        life: bool,
    ) -> RedisResult<Value> {
        let (lease, seed) = (milliseconds(LEASE).to_string(), fresh());
        let arguments = |third: &'static [u8]| [lease.as_bytes(), &seed, third];
        let is_expected = keys.len() >= FEW && !life && self.good.load(Relaxed);
        if is_expected {
            let first = values(keys);
            let answers = script.look(link, Some(&first), keys, &arguments(b"rest")).await;
            match answers.map(<[Value; 2]>::try_from) {
                Ok(Ok([Value::Array(answers), Value::Int(0)])) if answers.iter().all(is_value) => {
                    return Ok(Value::Array(answers));
                }
                Ok(Ok([_, Value::Array(answers)])) => {
                    self.learn(false);
                    return Ok(Value::Array(answers));
                }
                // Came or went in between, or is no value; or this user may not read all of the keys.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => {}
                Err(error) => return Err(error),
            }
            self.learn(false);
        }
        let third: &[u8] = if life { b"life" } else { b"" };
        let mut answers = script.look(link, None, keys, &arguments(third)).await?;
        let answer = answers.pop().unwrap_or(Value::Nil);
        let found = match &answer {
            Value::Array(both) if life => both.first(),
            answer => Some(answer),
        };
        self.learn(!is_expected && matches!(found, Some(Value::Array(all)) if all.iter().all(is_value)));
        Ok(answer)
    }

    /// Written only when it changes: all look-ups of the store read it.
    fn learn(&self, good: bool) {
        if self.good.load(Relaxed) != good {
            self.good.store(good, Relaxed);
        }
    }
}

fn values(keys: &[&str]) -> Cmd {
    let mut command = Cmd::with_capacity(
        keys.len() + 1,
        keys.iter().map(|key| key.len()).sum::<usize>() + 4,
    );
    command.arg("MGET").arg(keys);
    command
}

fn is_value(answer: &Value) -> bool {
    matches!(answer, Value::BulkString(_))
}

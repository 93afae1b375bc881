//! Removing by pattern: never `KEYS`, never `FLUSHALL`, always in steps that the server's other clients do not feel.

use redis::{RedisResult, cmd};

use super::leases::{key_of, leases_matching};
use super::link::Link;

/// Keys looked at, and at most about as many deleted, by one command.
const STEP: usize = 1000;

pub(super) type Wanted<'a> = &'a (dyn Fn(&str) -> bool + Send + Sync);

/// Removes the values whose keys match, after revoking the leases of all keys that match; says how many values went.
///
/// The two passes must not be one. Once the first has ended, every fill of an older load has either landed, and the
/// second pass finds it, or will be refused. `SCAN` returns what was there from its begin to its end, which is all
/// that is asked of it.
pub(super) async fn remove_matching(link: &Link, pattern: &str, wanted: Wanted<'_>) -> RedisResult<u64> {
    sweep(link, &leases_matching(pattern), &|lease| {
        key_of(lease).is_some_and(wanted)
    })
    .await?;
    let removed = sweep(link, pattern, wanted).await?;
    // What was swept may be no master any more.
    link.ascertain().await?;
    Ok(removed)
}

async fn sweep(link: &Link, pattern: &str, wanted: Wanted<'_>) -> RedisResult<u64> {
    let mut removed = 0;
    let mut cursor = "0".to_owned();
    loop {
        let (next, keys) = scan(link, &cursor, pattern).await?;
        // What is not UTF-8 is somebody else's.
        let doomed: Vec<&str> = keys
            .iter()
            .filter_map(|key| str::from_utf8(key).ok())
            .filter(|key| wanted(key))
            .collect();
        if !doomed.is_empty() {
            link.note(doomed.iter().map(|key| key_of(key).unwrap_or(key)));
            let unlink = cmd("UNLINK").arg(&doomed).take();
            removed += redis::from_redis_value::<u64>(link.run(&unlink).await?)?;
        }
        if next == "0" {
            return Ok(removed);
        }
        cursor = next;
    }
}

/// One step: where the next begins, and what was found.
pub(super) async fn scan(link: &Link, cursor: &str, pattern: &str) -> RedisResult<(String, Vec<Vec<u8>>)> {
    let scan = cmd("SCAN")
        .arg(cursor)
        .arg("MATCH")
        .arg(pattern)
        .arg("COUNT")
        .arg(STEP)
        .take();
    Ok(redis::from_redis_value(link.run(&scan).await?)?)
}

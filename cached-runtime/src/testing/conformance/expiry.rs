//! Laws of time. These wait for real time, since a store's clock is its own.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::bench::{Bench, MINUTE, law};
use super::{Case, Needs};
use crate::Lookup;

type Check = Result<(), String>;

/// A ttl that a test can wait out, and that no slow answer outlasts.
const SHORT: Duration = Duration::from_millis(1_500);
/// How long after its end an entry may still be served: stores count in seconds or less.
const GRACE: Duration = Duration::from_millis(1_500);

pub(super) const CASES: &[Case] = &[
    Case {
        name: "ttl",
        law: "an entry is found before its ttl has passed, and gone soon after, however it was stored",
        needs: Needs::Nothing,
        test: |bench| Box::pin(ttl(bench)),
    },
    Case {
        name: "life_left",
        law: "the life left is told of a key that expires, of one that does not, and of one that is absent",
        needs: Needs::Nothing,
        test: |bench| Box::pin(life_left(bench)),
    },
    Case {
        name: "ttl_replaced",
        law: "a value that is stored anew has its new ttl, or none, and nothing of the old one",
        needs: Needs::Nothing,
        test: |bench| Box::pin(ttl_replaced(bench)),
    },
    Case {
        name: "extreme_ttl",
        law: "a ttl too long to count does not end, and one too short to count ends at once; neither is an error",
        needs: Needs::Nothing,
        test: |bench| Box::pin(extreme_ttl(bench)),
    },
];

async fn ttl(bench: &Bench) -> Check {
    let (put, filled, kept) = (bench.key("put"), bench.key("filled"), bench.key("kept"));
    let token = bench.missing(&filled).await?;
    let begun = Instant::now();
    bench.put(&put, b"1", Some(SHORT)).await?;
    bench.stored(&filled, b"1", Some(SHORT), &token).await?;
    bench.put(&kept, b"1", None).await?;
    for key in [&put, &filled] {
        let found = bench.holds(key, b"1").await;
        // Slow enough to have seen it expire, a run proves nothing.
        law!(
            found.is_ok() || begun.elapsed() >= SHORT,
            "{} is gone before its ttl",
            bench.short(key)
        );
    }
    for key in [&put, &filled] {
        gone_by(bench, key, begun + SHORT + GRACE).await?;
        law!(
            bench.remaining(key).await?.is_none(),
            "an entry that has expired has a life left"
        );
    }
    bench.holds(&kept, b"1").await?;
    Ok(())
}

/// Looks until the key is absent. A look-up may be what removes it, so no look-up before the end is a proof.
async fn gone_by(bench: &Bench, key: &str, end: Instant) -> Check {
    loop {
        let late = Instant::now() > end;
        match bench.get(key).await? {
            Lookup::Missing(_) => return Ok(()),
            Lookup::Found(_) if late => {
                return Err(format!("{} is found long after its ttl", bench.short(key)));
            }
            Lookup::Found(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn life_left(bench: &Bench) -> Check {
    let (expires, filled, stays, absent) = (
        bench.key("expires"),
        bench.key("filled"),
        bench.key("stays"),
        bench.key("absent"),
    );
    bench.put(&expires, b"1", MINUTE).await?;
    let token = bench.missing(&filled).await?;
    bench.stored(&filled, b"1", MINUTE, &token).await?;
    bench.put(&stays, b"1", None).await?;
    for key in [&expires, &filled] {
        let told = bench.remaining(key).await?;
        law!(
            told.is_some_and(about_a_minute),
            "{} has a minute to live, and {told:?} is told",
            bench.short(key)
        );
        let found = bench.holds(key, b"1").await?.remaining;
        law!(
            about_a_minute(found),
            "{} has a minute to live, and is found with {found:?}",
            bench.short(key)
        );
    }
    let told = bench.remaining(&stays).await?;
    law!(
        told == Some(None),
        "of a key without expiry {told:?} is told in place of Some(None)"
    );
    let found = bench.holds(&stays, b"1").await?.remaining;
    law!(
        found.is_none(),
        "a key without expiry is found with {found:?} to live"
    );
    let told = bench.remaining(&absent).await?;
    law!(
        told.is_none(),
        "of an absent key {told:?} is told in place of None"
    );
    Ok(())
}

fn about_a_minute(left: Option<Duration>) -> bool {
    left.is_some_and(|left| (50..=60).contains(&left.as_millis().div_ceil(1000)))
}

async fn ttl_replaced(bench: &Bench) -> Check {
    let (put, filled) = (bench.key("put"), bench.key("filled"));
    bench.put(&put, b"1", Some(SHORT)).await?;
    bench.put(&put, b"2", None).await?;
    law!(
        bench.remaining(&put).await? == Some(None),
        "a put without ttl has left the old ttl in place"
    );
    bench.put(&filled, b"1", None).await?;
    let token = bench.reserve(&filled).await?;
    bench.stored(&filled, b"2", MINUTE, &token).await?;
    let told = bench.remaining(&filled).await?;
    law!(
        told.is_some_and(about_a_minute),
        "a fill for a minute over a key without ttl has {told:?} to live"
    );
    Ok(())
}

async fn extreme_ttl(bench: &Bench) -> Check {
    let key = bench.key("long");
    for long in [
        Duration::MAX,
        Duration::from_secs(u64::MAX / 1000),
        Duration::from_secs(100 * 365 * 86_400),
    ] {
        bench.put(&key, b"1", Some(long)).await?;
        bench.holds(&key, b"1").await?;
        let left = bench.remaining(&key).await?;
        let year = Duration::from_secs(86_400 * 365);
        let lives = left.is_some_and(|left| left.is_none_or(|left| left > year));
        law!(lives, "an entry with a ttl of {long:?} has {left:?} to live");
        bench.remove_one(&key).await?;
        let token = bench.missing(&key).await?;
        bench.stored(&key, b"1", Some(long), &token).await?;
        bench.holds(&key, b"1").await?;
    }
    for short in [Duration::from_nanos(1), Duration::from_micros(999)] {
        let key = bench.key("short");
        bench.put(&key, b"1", Some(short)).await?;
        gone_by(bench, &key, Instant::now() + GRACE).await?;
    }
    Ok(())
}

//! Laws of lives that are made longer or shorter. A store that says that it cannot has kept them all.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::bench::{Bench, MINUTE, law};
use super::{Case, Needs};
use crate::{ErrorKind, Lookup};

type Check = Result<(), String>;

/// A ttl that a test can wait out.
const SHORT: Duration = Duration::from_millis(1_500);
/// How long after its end a touched entry may still be served: stores count in seconds or less.
const GRACE: Duration = Duration::from_millis(3_500);

pub(super) const CASES: &[Case] = &[
    Case {
        name: "touch",
        law: "a touched entry keeps its bytes and lives for the new time from then on, be it longer or shorter",
        needs: Needs::Nothing,
        test: |bench| Box::pin(touch(bench)),
    },
    Case {
        name: "touch_absent",
        law: "what is absent, removed or has ended is not touched, and is not brought back",
        needs: Needs::Nothing,
        test: |bench| Box::pin(touch_absent(bench)),
    },
    Case {
        name: "touch_tokens",
        law: "a touch neither revokes a token nor makes a revoked one stand",
        needs: Needs::Tokens,
        test: |bench| Box::pin(touch_tokens(bench)),
    },
];

/// Whether the key was there; `None` where the store cannot touch.
async fn touched(bench: &Bench, key: &str, ttl: Duration) -> Result<Option<bool>, String> {
    match bench.store.touch(key, ttl).await {
        Ok(touched) => Ok(Some(touched)),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(format!("touching {} failed: {error:?}", bench.short(key))),
    }
}

async fn touch(bench: &Bench) -> Check {
    let (longer, shorter, endless) = (bench.key("longer"), bench.key("shorter"), bench.key("endless"));
    let minute = Duration::from_secs(60);
    let begun = Instant::now();
    bench.put(&longer, b"1", Some(SHORT)).await?;
    bench.put(&shorter, b"2", MINUTE).await?;
    bench.put(&endless, b"3", None).await?;
    for (key, ttl) in [(&longer, minute), (&endless, minute), (&shorter, SHORT)] {
        match touched(bench, key, ttl).await? {
            None => return Ok(()),
            Some(true) => {}
            // Slow enough to have seen it expire, a run proves nothing.
            Some(false) if key == &longer && begun.elapsed() >= SHORT => return Ok(()),
            Some(false) => return Err(format!("{} is there, and was not touched", bench.short(key))),
        }
    }
    for (key, bytes) in [(&longer, b"1"), (&endless, b"3")] {
        let told = bench.holds(key, bytes).await?.remaining;
        law!(
            told.is_some_and(|left| (50..=65).contains(&left.as_secs())),
            "{} was touched for a minute, and {told:?} is told",
            bench.short(key)
        );
    }
    let end = Instant::now() + SHORT + GRACE;
    while let Lookup::Found(_) = bench.get(&shorter).await? {
        law!(
            Instant::now() < end,
            "an entry that was touched for {SHORT:?} is found long after"
        );
        sleep(Duration::from_millis(20)).await;
    }
    sleep((begun + SHORT + Duration::from_millis(50)).saturating_duration_since(Instant::now())).await;
    bench.holds(&longer, b"1").await?;
    Ok(())
}

async fn touch_absent(bench: &Bench) -> Check {
    let (absent, missed, removed, ended) = (
        bench.key("absent"),
        bench.key("missed"),
        bench.key("removed"),
        bench.key("ended"),
    );
    bench.missing(&missed).await?;
    bench.put(&removed, b"1", MINUTE).await?;
    bench.remove_one(&removed).await?;
    bench.put(&ended, b"1", Some(Duration::from_millis(50))).await?;
    let end = Instant::now() + Duration::from_secs(3);
    while let Lookup::Found(_) = bench.get(&ended).await? {
        law!(Instant::now() < end, "an entry is found long after its ttl");
        sleep(Duration::from_millis(20)).await;
    }
    for key in [&absent, &missed, &removed, &ended] {
        let name = bench.short(key);
        match touched(bench, key, Duration::from_secs(60)).await? {
            None => return Ok(()),
            Some(touched) => law!(!touched, "{name} is not there, and was touched"),
        }
        bench
            .missing(key)
            .await
            .map_err(|why| format!("{name} was touched while absent: {why}"))?;
    }
    Ok(())
}

async fn touch_tokens(bench: &Bench) -> Check {
    let (present, absent, removed) = (bench.key("present"), bench.key("absent"), bench.key("removed"));
    let minute = Duration::from_secs(60);
    bench.put(&present, b"old", MINUTE).await?;
    let reserved = bench.reserve(&present).await?;
    if touched(bench, &present, minute).await?.is_none() {
        return Ok(());
    }
    bench.stored(&present, b"new", MINUTE, &reserved).await?;
    bench.holds(&present, b"new").await?;

    let missed = bench.missing(&absent).await?;
    touched(bench, &absent, minute).await?;
    bench.stored(&absent, b"new", MINUTE, &missed).await?;

    let revoked = bench.missing(&removed).await?;
    bench.remove_one(&removed).await?;
    touched(bench, &removed, minute).await?;
    bench
        .refused(
            &removed,
            &revoked,
            "it was removed after the miss, and touched since",
        )
        .await
}

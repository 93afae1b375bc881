//! Laws of removing by pattern.

use std::sync::Mutex;

use super::bench::{Bench, MINUTE, law};
use super::{Case, Needs};
use crate::{ErrorKind, Lookup};

type Check = Result<(), String>;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "pattern",
        law: "a pattern removes the keys it matches and no others, and they are counted",
        needs: Needs::Patterns,
        test: |bench| Box::pin(pattern(bench)),
    },
    Case {
        name: "wanted",
        law: "of the keys that match only the wanted are removed, and only keys of values are offered",
        needs: Needs::Patterns,
        test: |bench| Box::pin(wanted(bench)),
    },
    Case {
        name: "pattern_many",
        law: "a pattern removes any number of keys",
        needs: Needs::Patterns,
        test: |bench| Box::pin(pattern_many(bench)),
    },
    Case {
        name: "pattern_revokes",
        law: "a removal by pattern revokes the tokens of the keys that match, present or not",
        needs: Needs::Both,
        test: |bench| Box::pin(pattern_revokes(bench)),
    },
    Case {
        name: "no_patterns",
        law: "a store that promises no patterns says that they are unsupported",
        needs: Needs::Nothing,
        test: |bench| Box::pin(no_patterns(bench)),
    },
];

const NAMES: &[&str] = &[
    "user:1",
    "user:12",
    "user:12:posts",
    "user:1:posts",
    "User:1",
    "user:a",
    "user:b",
    "user:z",
    "user:*",
    "user:?",
    "user:[a]",
    r"user:\",
    "user:-",
    "users",
    "user:ä",
    "user:",
];

/// Patterns as Redis reads them, each with the names it matches.
const PATTERNS: &[(&str, &[&str])] = &[
    ("user:1", &["user:1"]),
    (
        "user:?",
        &[
            "user:1", "user:a", "user:b", "user:z", "user:*", "user:?", r"user:\", "user:-",
        ],
    ),
    ("user:1*", &["user:1", "user:12", "user:12:posts", "user:1:posts"]),
    ("user:*:posts", &["user:12:posts", "user:1:posts"]),
    ("*posts", &["user:12:posts", "user:1:posts"]),
    ("user:[a-y]", &["user:a", "user:b"]),
    ("user:[za]", &["user:a", "user:z"]),
    (
        "user:[^a-z]",
        &["user:1", "user:*", "user:?", r"user:\", "user:-"],
    ),
    (r"user:\*", &["user:*"]),
    (r"user:\?", &["user:?"]),
    (r"user:\[a\]", &["user:[a]"]),
    (r"user:\\", &[r"user:\"]),
    (r"user:[\-a]", &["user:-", "user:a"]),
    ("user:ä", &["user:ä"]),
    ("user", &[]),
    ("", &[]),
];

async fn pattern(bench: &Bench) -> Check {
    let keys: Vec<String> = NAMES.iter().map(|name| bench.key(name)).collect();
    for (glob, matching) in PATTERNS {
        for key in &keys {
            bench.put(key, b"1", MINUTE).await?;
        }
        let removed = bench.remove_matching(&bench.pattern(glob)).await?;
        for (key, name) in keys.iter().zip(NAMES) {
            let found = matches!(bench.get(key).await?, Lookup::Found(_));
            law!(
                found || matching.contains(name),
                "the pattern {glob} has removed {name}, which it does not match"
            );
            law!(
                !found || !matching.contains(name),
                "the pattern {glob} has not removed {name}, which it matches"
            );
        }
        let expected = matching.len() as u64;
        law!(
            removed == expected,
            "the pattern {glob} removed {expected} entries and counted {removed}"
        );
    }
    let removed = bench.remove_matching(&bench.pattern("*")).await?;
    let left = (NAMES.len()) as u64;
    law!(
        removed == left,
        "the pattern * removed {left} entries and counted {removed}"
    );
    Ok(())
}

async fn wanted(bench: &Bench) -> Check {
    let names = ["a:1", "a:2", "b:1"];
    for name in names {
        bench.put(&bench.key(name), b"1", MINUTE).await?;
    }
    // A miss leaves a token behind, which is no key.
    bench.missing(&bench.key("a:absent")).await?;
    let offered = Mutex::new(Vec::new());
    let (wanted, unwanted) = (bench.key("a:1"), bench.key("a:2"));
    let choose = |key: &str| {
        if let Ok(mut offered) = offered.lock() {
            offered.push(key.to_owned());
        }
        key == wanted
    };
    let removed = bench.store.remove_matching(&bench.pattern("a:*"), &choose).await;
    let removed = removed.map_err(|error| format!("removing a:* failed: {error:?}"))?;
    law!(
        removed == 1,
        "one of the keys that match was wanted, and {removed} are counted"
    );
    bench.missing(&wanted).await?;
    bench.holds(&unwanted, b"1").await?;
    bench.holds(&bench.key("b:1"), b"1").await?;
    let offered = offered.into_inner().unwrap_or_default();
    let known = [wanted, unwanted, bench.key("a:absent")];
    if let Some(stranger) = offered.iter().find(|key| !known.contains(key)) {
        return Err(format!("the key {stranger} was offered, which does not match"));
    }
    Ok(())
}

async fn pattern_many(bench: &Bench) -> Check {
    const MANY: u64 = 5_000;
    let many: Vec<String> = (0..MANY).map(|n| bench.key(&format!("many:{n}"))).collect();
    let (few, filter) = (bench.key("few:1"), bench.pattern("many:*"));
    bench.put(&few, b"1", MINUTE).await?;
    for key in &many {
        bench.put(key, b"1", MINUTE).await?;
    }
    let removed = bench.remove_matching(&filter).await?;
    law!(
        removed == MANY,
        "{MANY} entries matched, and {removed} are counted"
    );
    for key in many.iter().step_by(7) {
        bench.missing(key).await?;
    }
    bench.holds(&few, b"1").await?;
    // Nothing but tokens is left to match.
    let removed = bench.remove_matching(&filter).await?;
    law!(removed == 0, "no entry was left, and {removed} are counted");
    Ok(())
}

async fn pattern_revokes(bench: &Bench) -> Check {
    let (absent, present, other) = (bench.key("a:absent"), bench.key("a:present"), bench.key("a:[x]"));
    let early = bench.missing(&absent).await?;
    let odd = bench.missing(&other).await?;
    bench.put(&present, b"1", MINUTE).await?;
    let late = bench.reserve(&present).await?;
    bench.remove_matching(&bench.pattern("a:*")).await?;
    bench
        .refused(
            &absent,
            &early,
            "a pattern that matches it was removed after the miss",
        )
        .await?;
    bench
        .refused(
            &present,
            &late,
            "a pattern that matches it was removed after the reservation",
        )
        .await?;
    bench
        .refused(
            &other,
            &odd,
            "a pattern that matches it was removed after the miss",
        )
        .await?;
    let narrow = bench.missing(&other).await?;
    bench.remove_matching(&bench.pattern(r"a:\[[w-y]]")).await?;
    bench
        .refused(
            &other,
            &narrow,
            "a pattern that matches it was removed after the miss",
        )
        .await?;
    let token = bench.missing(&absent).await?;
    bench.stored(&absent, b"2", MINUTE, &token).await
}

async fn no_patterns(bench: &Bench) -> Check {
    if bench.store.guarantees().patterns {
        return Ok(());
    }
    match bench.store.remove_matching(&bench.pattern("*"), &|_| true).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
        answer => Err(format!("removing by pattern gave {answer:?}")),
    }
}

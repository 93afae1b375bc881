//! Laws of keys: every text that a key can be is one key, and no other.

use super::bench::{Bench, MINUTE};
use super::{Case, Needs};

type Check = Result<(), String>;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "any_key",
        law: "a key is any text without control characters, and each is another entry",
        needs: Needs::Nothing,
        test: |bench| Box::pin(any_key(bench)),
    },
    Case {
        name: "long_key",
        law: "keys of any length that differ only at their end are different entries",
        needs: Needs::Nothing,
        test: |bench| Box::pin(long_key(bench)),
    },
];

const NAMES: &[&str] = &[
    "",
    "ABCXYZabcxyz0189-_.",
    "user:42",
    "User:42",
    "user:42:",
    "user:%3A%2A",
    "user:%N",
    "(1,2,(a,),)",
    "a/b|c;d=e&f",
    "*",
    "?",
    "[a-z]",
    r"back\slash",
    "'quoted' \"twice\"",
    " spaces  inside ",
    "price<10>;--",
    "$1,@x,#y,!z,~",
    "Größe:ß",
    "日本語:キー",
    "🦀",
    "e\u{301}",
    "\u{e9}",
];

async fn any_key(bench: &Bench) -> Check {
    let keys: Vec<String> = NAMES.iter().map(|name| bench.key(name)).collect();
    for (key, name) in keys.iter().zip(NAMES) {
        let token = bench.missing(key).await?;
        bench.stored(key, name.as_bytes(), MINUTE, &token).await?;
    }
    for (key, name) in keys.iter().zip(NAMES) {
        bench.holds(key, name.as_bytes()).await?;
    }
    // Every second one goes, and takes none of its neighbours along.
    let gone: Vec<String> = keys.iter().step_by(2).cloned().collect();
    bench.remove(&gone).await?;
    for (number, (key, name)) in keys.iter().zip(NAMES).enumerate() {
        if number % 2 == 0 {
            bench.missing(key).await?;
        } else {
            bench.holds(key, name.as_bytes()).await?;
        }
    }
    Ok(())
}

async fn long_key(bench: &Bench) -> Check {
    for length in [200, 250, 1_000, 4_000] {
        let stem = "x".repeat(length);
        let (one, other) = (bench.key(&(stem.clone() + "1")), bench.key(&(stem + "2")));
        bench.put(&one, b"one", MINUTE).await?;
        let token = bench.missing(&other).await?;
        bench.stored(&other, b"other", MINUTE, &token).await?;
        bench.holds(&one, b"one").await?;
        bench.remove_one(&one).await?;
        bench.missing(&one).await?;
        bench.holds(&other, b"other").await?;
    }
    Ok(())
}

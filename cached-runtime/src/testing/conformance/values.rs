//! Laws of keeping: what is stored is found, whole and alone.

use std::time::Duration;

use tokio::time::Instant;

use super::bench::{Bench, MINUTE, law, show};
use super::{Case, Needs};
use crate::{Lookup, TimeBudget};

type Check = Result<(), String>;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "fill",
        law: "a miss hands out a token, a fill under it is stored, and the next look-up finds it",
        needs: Needs::Nothing,
        test: |bench| Box::pin(fill(bench)),
    },
    Case {
        name: "put",
        law: "a put is found, and replaces what was there",
        needs: Needs::Nothing,
        test: |bench| Box::pin(put(bench)),
    },
    Case {
        name: "remove",
        law: "a removed key is absent, an absent one may be removed, and no other key is touched",
        needs: Needs::Nothing,
        test: |bench| Box::pin(remove(bench)),
    },
    Case {
        name: "remove_many",
        law: "one removal takes any number of keys",
        needs: Needs::Nothing,
        test: |bench| Box::pin(remove_many(bench)),
    },
    Case {
        name: "any_bytes",
        law: "a value is any bytes: none at all, every byte there is, the store's own words",
        needs: Needs::Nothing,
        test: |bench| Box::pin(any_bytes(bench)),
    },
    Case {
        name: "large_value",
        law: "a value of a mebibyte comes back whole",
        needs: Needs::Nothing,
        test: |bench| Box::pin(large_value(bench)),
    },
    Case {
        name: "serves",
        law: "a store that serves answers a ping, and describes itself in one line",
        needs: Needs::Nothing,
        test: |bench| Box::pin(serves(bench)),
    },
    Case {
        name: "get_within",
        law: "a look-up that has time finds what any other does, and the life left where it is asked for",
        needs: Needs::Nothing,
        test: |bench| Box::pin(get_within(bench)),
    },
];

async fn fill(bench: &Bench) -> Check {
    let key = bench.key("a");
    let token = bench.missing(&key).await?;
    bench.stored(&key, b"one", MINUTE, &token).await?;
    bench.holds(&key, b"one").await?;
    bench.missing(&bench.key("b")).await?;
    Ok(())
}

async fn put(bench: &Bench) -> Check {
    let key = bench.key("a");
    bench.put(&key, b"one", MINUTE).await?;
    bench.holds(&key, b"one").await?;
    bench.put(&key, b"two", MINUTE).await?;
    bench.holds(&key, b"two").await?;
    Ok(())
}

async fn remove(bench: &Bench) -> Check {
    let (gone, kept, absent) = (bench.key("gone"), bench.key("gone:kept"), bench.key("absent"));
    bench.put(&gone, b"1", MINUTE).await?;
    bench.put(&kept, b"2", None).await?;
    bench.remove(&[]).await?;
    bench
        .remove(&[absent.clone(), gone.clone(), gone.clone()])
        .await?;
    bench.missing(&gone).await?;
    bench.missing(&absent).await?;
    bench.holds(&kept, b"2").await?;
    bench.put(&gone, b"3", MINUTE).await?;
    bench.holds(&gone, b"3").await?;
    Ok(())
}

async fn remove_many(bench: &Bench) -> Check {
    let keys: Vec<String> = (0..1_201).map(|n| bench.key(&n.to_string())).collect();
    let present = [&keys[0], &keys[499], &keys[500], &keys[1_000], &keys[1_200]];
    for key in present {
        bench.put(key, b"1", MINUTE).await?;
    }
    bench.remove(&keys).await?;
    for key in present {
        bench.missing(key).await?;
    }
    Ok(())
}

async fn any_bytes(bench: &Bench) -> Check {
    let every: Vec<u8> = (0..=255).collect();
    let values: [&[u8]; 6] = [b"", b"\0", &every, b"\r\n$-1\r\nEND\r\n", b"nil", b"OK"];
    for (number, value) in values.into_iter().enumerate() {
        let (filled, put) = (
            bench.key(&format!("filled:{number}")),
            bench.key(&format!("put:{number}")),
        );
        let token = bench.missing(&filled).await?;
        bench.stored(&filled, value, MINUTE, &token).await?;
        bench.holds(&filled, value).await?;
        bench.put(&put, value, None).await?;
        bench.holds(&put, value).await?;
    }
    Ok(())
}

async fn large_value(bench: &Bench) -> Check {
    let (filled, put) = (bench.key("filled"), bench.key("put"));
    // 251 is prime, so that no two pieces of it at a power of two apart are alike.
    let large: Vec<u8> = (0..=250).cycle().take(1 << 20).collect();
    let token = bench.missing(&filled).await?;
    bench.stored(&filled, &large, MINUTE, &token).await?;
    bench.holds(&filled, &large).await?;
    bench.put(&put, &large, MINUTE).await?;
    bench.holds(&put, &large).await?;
    Ok(())
}

async fn get_within(bench: &Bench) -> Check {
    let (there, absent) = (bench.key("there"), bench.key("absent"));
    bench.put(&there, b"one", MINUTE).await?;
    for life in [false, true] {
        let look = async |key| {
            let budget = TimeBudget::since(Instant::now(), Duration::from_secs(60));
            match bench.store.get_within(key, life, budget).await {
                Some(answer) => answer.map_err(|error| format!("looking up failed: {error:?}")),
                None => Err("a look-up was given up long before its time".to_owned()),
            }
        };
        match look(&there).await? {
            Lookup::Found(found) => {
                law!(
                    found.bytes == b"one",
                    "it should hold \"one\", and holds {}",
                    show(&found.bytes)
                );
                law!(!life || found.remaining.is_some(), "the life left is not told");
            }
            Lookup::Missing(_) => return Err("it should be there, and is absent".to_owned()),
        }
        match look(&absent).await? {
            Lookup::Missing(token) => bench.stored(&absent, b"two", MINUTE, &token).await?,
            Lookup::Found(found) => {
                return Err(format!("it should be absent, and holds {}", show(&found.bytes)));
            }
        }
        bench.holds(&absent, b"two").await?;
        bench.remove_one(&absent).await?;
    }
    Ok(())
}

async fn serves(bench: &Bench) -> Check {
    bench
        .store
        .ping()
        .await
        .map_err(|error| format!("a ping failed: {error:?}"))?;
    let described = bench.store.describe();
    law!(!described.trim().is_empty(), "the store's description is empty");
    law!(
        !described.contains('\n'),
        "the store's description is more than a line: {described}"
    );
    Ok(())
}

//! Laws of several keys at once: what is answered for each is what it would have been alone.

use std::collections::HashSet;
use std::time::Duration;

use super::bench::{Bench, MINUTE, law, show};
use super::{Case, Needs};
use crate::store::Filling;
use crate::{Filled, Lookup, Token};

type Check = Result<(), String>;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "get_many",
        law: "several keys are answered in their order, whichever are present, named twice, or many",
        needs: Needs::Nothing,
        test: |bench| Box::pin(get_many(bench)),
    },
    Case {
        name: "get_many_tokens",
        law: "a key that misses among several is given a token of its own, as good as if it had been asked for alone",
        needs: Needs::Tokens,
        test: |bench| Box::pin(get_many_tokens(bench)),
    },
    Case {
        name: "fill_many",
        law: "several fills are stored, each under its key and for its own ttl, and answered in their order",
        needs: Needs::Nothing,
        test: |bench| Box::pin(fill_many(bench)),
    },
    Case {
        name: "fill_many_tokens",
        law: "of several fills those are stored whose tokens stand, and no others",
        needs: Needs::Tokens,
        test: |bench| Box::pin(fill_many_tokens(bench)),
    },
];

async fn look_up(bench: &Bench, keys: &[String]) -> Result<Vec<Lookup>, String> {
    let answers = bench.store.get_many(keys).await;
    law!(
        answers.len() == keys.len(),
        "{} keys were looked up, and {} answers came",
        keys.len(),
        answers.len()
    );
    let mut lookups = Vec::new();
    for (answer, key) in answers.into_iter().zip(keys) {
        lookups.push(answer.map_err(|error| format!("looking {} up failed: {error:?}", bench.short(key)))?);
    }
    Ok(lookups)
}

/// The tokens of keys that must not be there.
async fn missing(bench: &Bench, keys: &[String]) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    for (lookup, key) in look_up(bench, keys).await?.into_iter().zip(keys) {
        match lookup {
            Lookup::Missing(token) => tokens.push(token),
            Lookup::Found(found) => {
                return Err(format!(
                    "{} should be absent, and holds {}",
                    bench.short(key),
                    show(&found.bytes)
                ));
            }
        }
    }
    Ok(tokens)
}

async fn fill(bench: &Bench, fills: &[Filling<'_>]) -> Result<Vec<Filled>, String> {
    let answers = bench.store.fill_many(fills).await;
    law!(
        answers.len() == fills.len(),
        "{} fills were asked for, and {} answers came",
        fills.len(),
        answers.len()
    );
    let answers: Result<Vec<_>, _> = answers.into_iter().collect();
    answers.map_err(|error| format!("one of several fills failed: {error:?}"))
}

async fn get_many(bench: &Bench) -> Check {
    law!(
        look_up(bench, &[]).await?.is_empty(),
        "no key was asked for, and something came"
    );
    // Every third is present; the numbers of those asked for are out of order, and some come twice.
    let names: Vec<String> = (0..700).map(|n| bench.key(&n.to_string())).collect();
    for key in names.iter().step_by(3) {
        bench.put(key, bench.short(key).as_bytes(), MINUTE).await?;
    }
    let order: Vec<usize> = (0..700).map(|n| n * 461 % 700).chain([0, 1, 0, 1]).collect();
    let keys: Vec<String> = order.iter().map(|n| names[*n].clone()).collect();
    for (lookup, (key, number)) in look_up(bench, &keys)
        .await?
        .into_iter()
        .zip(keys.iter().zip(order))
    {
        let name = bench.short(key);
        match lookup {
            Lookup::Found(found) if number % 3 == 0 => {
                law!(
                    found.bytes == name.as_bytes(),
                    "{name} among several holds {} in place of its own name",
                    show(&found.bytes)
                );
                law!(
                    found.remaining.is_some(),
                    "{name} expires, and is found without an end"
                );
            }
            Lookup::Missing(_) if number % 3 != 0 => {}
            Lookup::Found(_) => return Err(format!("{name} is absent, and is found among several")),
            Lookup::Missing(_) => return Err(format!("{name} is present, and is missed among several")),
        }
    }
    Ok(())
}

async fn get_many_tokens(bench: &Bench) -> Check {
    let keys: Vec<String> = ["a", "b", "c"].iter().map(|name| bench.key(name)).collect();
    let tokens = missing(bench, &keys).await?;
    let different: HashSet<&[u8]> = tokens.iter().map(Token::as_bytes).collect();
    law!(
        different.len() == 3,
        "three keys that missed were given {} tokens",
        different.len()
    );
    bench.remove_one(&keys[1]).await?;
    bench
        .refused(&keys[0], &tokens[2], "its token is that of another of the keys")
        .await?;
    bench
        .refused(
            &keys[1],
            &tokens[1],
            "it was removed after the look-up of several",
        )
        .await?;
    bench.stored(&keys[0], b"one", MINUTE, &tokens[0]).await?;
    bench.stored(&keys[2], b"three", MINUTE, &tokens[2]).await?;
    bench.holds(&keys[0], b"one").await?;
    bench.holds(&keys[2], b"three").await?;
    Ok(())
}

async fn fill_many(bench: &Bench) -> Check {
    law!(
        fill(bench, &[]).await?.is_empty(),
        "no fill was asked for, and something came"
    );
    let keys: Vec<String> = (0..100).map(|n| bench.key(&n.to_string())).collect();
    let tokens = missing(bench, &keys).await?;
    let ttl = |n: usize| n.is_multiple_of(2).then_some(Duration::from_secs(60));
    let values: Vec<Vec<u8>> = (0..100).map(|n| vec![n; usize::from(n) * 100]).collect();
    let fills: Vec<Filling<'_>> = (0..100)
        .map(|n| Filling {
            key: &keys[n],
            bytes: &values[n],
            ttl: ttl(n),
            token: &tokens[n],
        })
        .collect();
    let filled = fill(bench, &fills).await?;
    law!(
        filled.iter().all(|filled| *filled == Filled::Stored),
        "of several fills under good tokens some were refused"
    );
    for (n, key) in keys.iter().enumerate() {
        let found = bench.holds(key, &values[n]).await?;
        law!(
            found.remaining.is_some() == ttl(n).is_some(),
            "{} was filled for {:?} among others, and is found with {:?} to live",
            bench.short(key),
            ttl(n),
            found.remaining
        );
    }
    Ok(())
}

async fn fill_many_tokens(bench: &Bench) -> Check {
    let keys: Vec<String> = (0..9).map(|n| bench.key(&n.to_string())).collect();
    let tokens = missing(bench, &keys).await?;
    // One of three is removed, one of three put anew.
    for (n, key) in keys.iter().enumerate() {
        match n % 3 {
            0 => bench.remove_one(key).await?,
            1 => bench.put(key, b"new", MINUTE).await?,
            _ => {}
        }
    }
    let filling = |n: usize| Filling {
        key: &keys[n],
        bytes: b"loaded",
        ttl: MINUTE,
        token: &tokens[n],
    };
    let fills: Vec<Filling<'_>> = (0..9).map(filling).collect();
    let filled = fill(bench, &fills).await?;
    for (n, (key, filled)) in keys.iter().zip(filled).enumerate() {
        let expected = if n % 3 == 2 {
            Filled::Stored
        } else {
            Filled::Refused
        };
        law!(
            filled == expected,
            "among several, the fill of {} was called {filled:?} in place of {expected:?}",
            bench.short(key)
        );
        match n % 3 {
            0 => drop(bench.missing(key).await?),
            1 => drop(bench.holds(key, b"new").await?),
            _ => drop(bench.holds(key, b"loaded").await?),
        }
    }
    Ok(())
}

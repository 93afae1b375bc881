//! Keys of whatever somebody may put into a name: two different calls never share an entry.

use std::collections::HashMap;

use cached_runtime::cache;
use fastrand::Rng;

use crate::world::world;

#[cache(key = "h:{a}:{b}/{c}|{d}", skip(value), backend = ["local", "far"])]
async fn templated(value: u64, a: &str, b: &str, c: Option<&str>, d: &[&str]) -> u64 {
    let _ = (a, b, c, d);
    value
}

#[cache(skip(value), backend = ["local", "far"])]
async fn by_default(value: u64, a: &str, b: &str, c: Option<&str>, d: &[&str]) -> u64 {
    let _ = (a, b, c, d);
    value
}

/// Pieces that mean something to keys, globs, stores or people.
const PIECES: [&str; 30] = [
    "", "a", "b", ":", "/", "|", "#", "%", "%N", "%3A", "%25", "(", ")", ",", "(a,)", "*", "?", "[a]", "\\",
    " ", "\n", "\0", "é", "%C3%A9", "None", "{a}", "{}", "h:", "0", "00",
];

fn text(rng: &mut Rng) -> String {
    (0..rng.usize(0..4))
        .map(|_| PIECES[rng.usize(..PIECES.len())])
        .collect()
}

type Call = (String, String, Option<String>, Vec<String>);

fn call(rng: &mut Rng) -> Call {
    let c = rng.bool().then(|| text(rng));
    let d = (0..rng.usize(0..3)).map(|_| text(rng)).collect();
    (text(rng), text(rng), c, d)
}

#[tokio::test]
async fn no_two_calls_share_an_entry() {
    let seed = std::env::var("CACHED_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("CACHED_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    world(async |world| {
        let mut first: HashMap<Call, u64> = HashMap::new();
        let mut texts: HashMap<String, Call> = HashMap::new();
        for number in 0..4_000 {
            let call = call(&mut rng);
            let (a, b, c, d) = &call;
            let d: Vec<&str> = d.iter().map(String::as_str).collect();
            let expected = *first.entry(call.clone()).or_insert(number);
            assert_eq!(
                templated(number, a, b, c.as_deref(), &d).await,
                expected,
                "{call:?}"
            );
            assert_eq!(
                by_default(number, a, b, c.as_deref(), &d).await,
                expected,
                "{call:?}"
            );
            let entry = templated_entry(a, b, &c.as_deref(), &d);
            let other = texts.insert(entry.key().to_string(), call.clone());
            assert!(other.is_none_or(|other| other == call), "{entry:?}");
            // Plain text, and the way back to the one entry.
            assert!(
                entry
                    .key()
                    .to_string()
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic())
            );
            if rng.u8(..) < 16 {
                world
                    .caches
                    .invalidate_key(&entry.key().to_string())
                    .await
                    .unwrap();
                assert_eq!(entry.get().await.unwrap(), None, "{entry:?}");
                templated(expected, a, b, c.as_deref(), &d).await;
            }
        }
        assert_eq!(templated_cache().stats().entries, first.len() as u64);
    })
    .await;
}

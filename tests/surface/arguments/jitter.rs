//! `jitter`: entries filled together do not expire together, and none lives longer than its ttl.

use std::time::Duration;

use cached_runtime::cache;

use crate::world::{secs, world};

#[cache(ttl = "100s", jitter = "10%", backend = "local")]
async fn jittered(id: u64) -> u64 {
    id
}

#[cache(ttl = |_| secs(1_000), jitter = "2.5%", none_ttl = "40s", backend = "local")]
async fn of_value(id: u64) -> Option<u64> {
    (id > 0).then_some(id)
}

#[tokio::test]
async fn it_is_taken_off_up_to_its_bound_and_evenly() {
    const KEYS: u64 = 4_000;
    world(async |_| {
        let mut lives: Vec<Duration> = Vec::new();
        for id in 0..KEYS {
            jittered(id).await;
            lives.push(jittered_entry(id).remaining_ttl().await.unwrap().unwrap());
        }
        lives.sort();
        // The clock's own unit is 2^-32 s.
        assert!(lives[0] >= secs(90) - Duration::from_micros(1), "{:?}", lives[0]);
        assert!(*lives.last().unwrap() <= secs(100));
        // Each tenth of the span has its tenth of the keys: 400 with a deviation of 19.
        for tenth in 0..10 {
            let (from, to) = (secs(90 + tenth), secs(91 + tenth));
            let here = lives.iter().filter(|life| (from..to).contains(*life)).count();
            assert!(
                (280..=520).contains(&here),
                "{here} of {KEYS} between {from:?} and {to:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn it_is_taken_off_what_a_closure_says_and_off_the_life_of_none() {
    world(async |world| {
        for id in 1..200 {
            of_value(id).await;
            let life = of_value_entry(id).remaining_ttl().await.unwrap().unwrap();
            assert!((secs(974)..=secs(1_000)).contains(&life), "{life:?}");
        }
        of_value(0).await;
        let life = of_value_entry(0).remaining_ttl().await.unwrap().unwrap();
        assert!((secs(38)..=secs(40)).contains(&life), "{life:?}");
        world.clock.advance(secs(41));
        assert_eq!(of_value_entry(0).remaining_ttl().await.unwrap(), None);
    })
    .await;
}

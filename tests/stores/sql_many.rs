//! Several keys at once in the SQL store: each as if it had been alone.

use std::time::Duration;

use cached_runtime::stores::Sql;
use cached_runtime::{Filled, Filling, Lookup, Store, Token};

use crate::redis::missing;
use crate::sql::databases;

fn keys(names: impl IntoIterator<Item = u32>) -> Vec<String> {
    names.into_iter().map(|n| format!("shop:{n}")).collect()
}

fn token_of(lookup: &Lookup) -> &Token {
    match lookup {
        Lookup::Missing(token) => token,
        Lookup::Found(found) => panic!("found {found:?}"),
    }
}

#[tokio::test]
async fn look_ups_answer_in_order_and_with_good_tokens() {
    for database in databases().await {
        let store = Sql::connect(database.url()).await.unwrap();
        assert!(store.get_many(&[]).await.is_empty());
        // Three batches, every third key present, one of them expired, one leased already, and some asked for twice.
        let mut wanted = keys(0..600);
        for key in wanted.iter().step_by(3) {
            store.put(key, key.as_bytes(), None).await.unwrap();
        }
        store
            .put(&wanted[3], b"gone", Some(Duration::ZERO))
            .await
            .unwrap();
        let early = missing(&store, &wanted[1]).await;
        wanted.extend([wanted[0].clone(), wanted[1].clone(), wanted[2].clone()]);
        wanted.insert(5, wanted[4].clone());
        let answers = store.get_many(&wanted).await;
        assert_eq!(answers.len(), wanted.len());
        for (key, answer) in wanted.iter().zip(&answers) {
            let n: u32 = key[5..].parse().unwrap();
            match answer.as_ref().unwrap() {
                Lookup::Found(found) => {
                    assert!(n.is_multiple_of(3) && n != 3, "{key}");
                    assert_eq!(found.bytes, key.as_bytes());
                    assert_eq!(found.remaining, None);
                }
                Lookup::Missing(_) => assert!(!n.is_multiple_of(3) || n == 3, "{key}"),
            }
        }
        assert_eq!(*token_of(answers[1].as_ref().unwrap()), early);
        assert_eq!(answers[4].as_ref().unwrap(), answers[5].as_ref().unwrap());
        for (key, answer) in wanted.iter().zip(&answers).take(20) {
            if let Lookup::Missing(token) = answer.as_ref().unwrap() {
                let filled = store.fill(key, b"1", None, token).await.unwrap();
                // The fifth is the fourth once more.
                let twin = *key == wanted[4] && std::ptr::eq(answer, &raw const answers[5]);
                assert_eq!(
                    filled,
                    if twin { Filled::Refused } else { Filled::Stored },
                    "{key}"
                );
            }
        }
    }
}

#[tokio::test]
async fn fills_are_stored_or_refused_each_for_itself() {
    for database in databases().await {
        let store = Sql::connect(database.url()).await.unwrap();
        assert!(store.fill_many(&[]).await.is_empty());
        let names = keys(0..300);
        let looked = store.get_many(&names).await;
        let tokens: Vec<Token> = looked
            .iter()
            .map(|answer| token_of(answer.as_ref().unwrap()).clone())
            .collect();
        // Every seventh is removed meanwhile, and every eleventh token is another key's.
        let revoked: Vec<String> = names.iter().step_by(7).cloned().collect();
        store.remove(&revoked).await.unwrap();
        let large = vec![7; 700_000];
        let mut fills: Vec<Filling<'_>> = (0..300)
            .map(|n| Filling {
                key: &names[n],
                bytes: if n % 50 == 1 { &large } else { names[n].as_bytes() },
                ttl: (n % 2 == 0).then_some(Duration::from_secs(60)),
                token: &tokens[if n % 11 == 0 { (n + 1) % 300 } else { n }],
            })
            .collect();
        // Once more, in the same call.
        fills.push(fills[1]);
        fills.push(fills[7]);
        let answers = store.fill_many(&fills).await;
        assert_eq!(answers.len(), 302);
        for (n, answer) in answers.iter().enumerate() {
            let refused = n % 7 == 0 || n % 11 == 0 || n >= 300;
            let expected = if refused { Filled::Refused } else { Filled::Stored };
            assert_eq!(*answer.as_ref().unwrap(), expected, "{n} {}", database.name());
        }
        for (n, answer) in store.get_many(&names).await.into_iter().enumerate() {
            match answer.unwrap() {
                Lookup::Found(found) => {
                    assert!(n % 7 != 0 && n % 11 != 0, "{n}");
                    assert_eq!(found.bytes, fills[n].bytes);
                    assert_eq!(found.remaining.is_some(), n % 2 == 0);
                    assert!(found.remaining.is_none_or(|left| left > Duration::from_secs(40)));
                }
                Lookup::Missing(_) => assert!(n % 7 == 0 || n % 11 == 0, "{n}"),
            }
        }
        // All of a call refused, and each used token spent.
        for answer in store.fill_many(&fills[..20]).await {
            assert_eq!(answer.unwrap(), Filled::Refused);
        }
    }
}

/// The shape in which statements about several rows wait for each other in a ring.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_over_the_same_keys_are_no_error() {
    for database in databases().await {
        let mut running = Vec::new();
        for _ in 0..4 {
            let store = Sql::builder(database.url()).pool_size(2).connect().await.unwrap();
            for _ in 0..2 {
                let store = store.clone();
                running.push(tokio::spawn(async move {
                    for _ in 0..25 {
                        let mut names = keys(0..40);
                        fastrand::shuffle(&mut names);
                        names.truncate(30);
                        let looked = store.get_many(&names).await;
                        let mut fills = Vec::new();
                        for (key, answer) in names.iter().zip(&looked) {
                            if let Lookup::Missing(token) = answer.as_ref().unwrap() {
                                fills.push(Filling {
                                    key,
                                    bytes: key.as_bytes(),
                                    ttl: None,
                                    token,
                                });
                            }
                        }
                        for answer in store.fill_many(&fills).await {
                            answer.unwrap();
                        }
                        fastrand::shuffle(&mut names);
                        store.remove(&names[..15]).await.unwrap();
                        if fastrand::u8(..) < 60 {
                            store.remove_matching("shop:1*", &|_| true).await.unwrap();
                        }
                        store.put(&names[20], names[20].as_bytes(), None).await.unwrap();
                    }
                }));
            }
        }
        for task in running {
            if let Err(panic) = task.await {
                panic!("{}: {panic}", database.name());
            }
        }
        let store = Sql::connect(database.url()).await.unwrap();
        for key in keys(0..40) {
            if let Lookup::Found(found) = store.get(&key).await.unwrap() {
                assert_eq!(found.bytes, key.as_bytes());
            }
        }
    }
}

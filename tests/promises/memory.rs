//! Loads and invalidations in memory, in an order that is forced.

use std::sync::Arc;

use crate::chains::{Chain, How, Local, LocalOff, Moka, Stores};
use crate::source::{HasRead, Source};
use crate::stops::soon;

/// A load has read the old version when the new one is written; it ends before or after the next read.
async fn overtaken<C: Chain>() {
    for how in How::ALL {
        for read_between in [true, false] {
            let stores = Stores::new();
            let source = Arc::new(Source::default());
            let mut held = source.stops.hold(HasRead);
            let old = {
                let (caches, source) = (stores.caches.clone(), Arc::clone(&source));
                tokio::spawn(async move { caches.scope(C::read(&source, 1)).await })
            };
            held.arrived().await;
            stores
                .caches
                .scope(async {
                    C::write(&source, 1, how).await;
                    if read_between {
                        // It neither waits for the older flight nor gets its answer.
                        assert_eq!(soon(C::read(&source, 1)).await, Ok(1), "{how:?}");
                    }
                    held.release();
                    assert_eq!(old.await.unwrap(), Ok(0));
                    assert_eq!(C::look(1).await, read_between.then_some(1), "{how:?}");
                    assert_eq!(C::read(&source, 1).await, Ok(1), "{how:?}");
                })
                .await;
        }
    }
}

#[tokio::test]
async fn a_load_that_was_overtaken_leaves_nothing_behind() {
    overtaken::<Local>().await;
    overtaken::<LocalOff>().await;
}

#[tokio::test]
async fn nor_does_it_in_moka() {
    overtaken::<Moka>().await;
}

/// Followers of an older flight get its answer; who comes later does not join them, and neither flight ends the other.
#[tokio::test]
async fn a_follower_that_comes_after_an_invalidation_waits_for_the_newer_flight() {
    for how in How::ALL {
        let stores = Stores::new();
        let source = Arc::new(Source::default());
        let read = || {
            let (caches, source) = (stores.caches.clone(), Arc::clone(&source));
            tokio::spawn(async move { caches.scope(Local::read(&source, 1)).await })
        };
        let mut first = source.stops.hold(HasRead);
        let before = [read(), read(), read()];
        first.arrived().await;
        stores.caches.scope(Local::write(&source, 1, how)).await;
        let mut second = source.stops.hold(HasRead);
        let after = [read(), read(), read()];
        second.arrived().await;
        first.release();
        for old in before {
            assert_eq!(old.await.unwrap(), Ok(0), "{how:?}");
        }
        tokio::task::yield_now().await;
        assert!(after.iter().all(|new| !new.is_finished()), "{how:?}");
        second.release();
        for new in after {
            assert_eq!(new.await.unwrap(), Ok(1), "{how:?}");
        }
    }
}

/// A removal of one key leaves the loads of others alone where it can.
#[tokio::test]
async fn what_was_kept_is_gone_and_the_rest_is_not() {
    for how in How::ALL {
        let stores = Stores::new();
        let source = Source::default();
        stores
            .caches
            .scope(async {
                for id in 0..4 {
                    assert_eq!(Local::read(&source, id).await, Ok(0));
                    assert_eq!(Moka::read(&source, id).await, Ok(0));
                }
                Local::write(&source, 1, how).await;
                Moka::write(&source, 1, how).await;
                assert_eq!(
                    (Local::look(1).await, Moka::look(1).await),
                    (None, None),
                    "{how:?}"
                );
                let rest = (!how.is_for_all()).then_some(0);
                assert_eq!(
                    (Local::look(2).await, Moka::look(2).await),
                    (rest, rest),
                    "{how:?}"
                );
            })
            .await;
    }
}

/// What is put is newer than what a load in progress has read.
#[tokio::test]
async fn a_load_that_was_overtaken_by_a_put_does_not_replace_it() {
    let stores = Stores::new();
    let source = Arc::new(Source::default());
    let mut held = source.stops.hold(HasRead);
    let old = {
        let (caches, source) = (stores.caches.clone(), Arc::clone(&source));
        tokio::spawn(async move { caches.scope(Local::read(&source, 1)).await })
    };
    held.arrived().await;
    stores
        .caches
        .scope(async {
            Local::insert(1, 7).await;
            assert_eq!(Local::read(&source, 1).await, Ok(7));
            held.release();
            assert_eq!(old.await.unwrap(), Ok(0));
            assert_eq!(Local::read(&source, 1).await, Ok(7));
        })
        .await;
}

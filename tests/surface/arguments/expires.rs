//! `expires`: a moment that the value itself names.

use std::time::{Duration, SystemTime};

use cached_runtime::cache;

use crate::world::{Runs, secs, world};

#[derive(Clone)]
struct Ticket {
    until: SystemTime,
}

#[cache(key = "ticket:{_id}", expires = |ticket: &Ticket| ticket.until, backend = "local", skip(runs, until))]
async fn ticket(runs: &Runs, _id: u64, until: SystemTime) -> Ticket {
    runs.next();
    Ticket { until }
}

#[cache(
    key = "sooner:{_id}",
    expires = |ticket| ticket.until,
    ttl = "1m",
    backend = "local",
    skip(runs, until)
)]
async fn sooner(runs: &Runs, _id: u64, until: SystemTime) -> Result<Option<Ticket>, String> {
    runs.next();
    Ok(Some(Ticket { until }))
}

fn in_seconds(count: u64) -> SystemTime {
    SystemTime::now() + secs(count)
}

fn about(left: Option<Duration>, expected: u64) {
    let left = left.unwrap();
    assert!(left <= secs(expected) && left > secs(expected - 5), "{left:?}");
}

#[tokio::test]
async fn an_entry_ends_when_its_value_says() {
    world(async |world| {
        let runs = Runs::default();
        ticket(&runs, 1, in_seconds(100)).await;
        about(ticket_entry(1).remaining_ttl().await.unwrap(), 100);
        world.clock.advance(secs(90));
        ticket(&runs, 1, in_seconds(100)).await;
        assert_eq!(runs.count(), 1);
        world.clock.advance(secs(11));
        ticket(&runs, 1, in_seconds(100)).await;
        assert_eq!(runs.count(), 2);
    })
    .await;
}

#[tokio::test]
async fn what_has_expired_already_is_not_kept() {
    world(async |_| {
        let runs = Runs::default();
        for run in 1..4 {
            ticket(&runs, 2, SystemTime::now() - secs(1)).await;
            assert_eq!(runs.count(), run);
        }
        ticket_entry(2)
            .insert(Ticket {
                until: SystemTime::UNIX_EPOCH,
            })
            .await
            .unwrap();
        assert!(ticket_entry(2).get().await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn of_two_ends_the_sooner_counts() {
    world(async |_| {
        let runs = Runs::default();
        sooner(&runs, 1, in_seconds(30)).await.unwrap();
        about(sooner_entry(1).remaining_ttl().await.unwrap(), 30);
        sooner(&runs, 2, in_seconds(600)).await.unwrap();
        about(sooner_entry(2).remaining_ttl().await.unwrap(), 60);
        // Past what a clock can count.
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 50);
        sooner(&runs, 3, far).await.unwrap();
        about(sooner_entry(3).remaining_ttl().await.unwrap(), 60);
        ticket(&runs, 4, far).await;
        assert!(ticket_entry(4).remaining_ttl().await.unwrap().unwrap() > secs(1 << 40));
    })
    .await;
}

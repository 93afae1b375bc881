//! Leaders that are kept and not polled, and turns that are not taken.
//!
//! The looks are made by hand: nothing here awaits, so that who would look is not run.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::{Bell, Follower, KEY, content, follow, in_progress, lead, start, waiting};
use crate::flight::pulse::Pulse;
use crate::flight::{Answer, Flights, Group, Joined, Lead};

/// What a leader waits for has a waker, which counts.
fn rest(leader: &mut Lead) -> Arc<Bell> {
    let bell = Arc::<Bell>::default();
    leader.rest(&Waker::from(Arc::clone(&bell)));
    bell
}

fn rung(bell: &Bell) -> usize {
    bell.0.load(std::sync::atomic::Ordering::SeqCst)
}

fn look(flights: &Flights) {
    assert!(flights.look(), "somebody waits");
}

/// A follower, and a leader who has lost his lead to him.
fn lost() -> (Arc<Flights>, Lead, Follower) {
    let (flights, mut leader) = start();
    let bell = rest(&mut leader);
    let follower = waiting(&flights, 1).remove(0);
    look(&flights);
    look(&flights);
    assert_eq!((rung(&bell), follower.woken()), (1, 0));
    look(&flights);
    assert_eq!((rung(&bell), follower.woken()), (1, 1));
    (flights, leader, follower)
}

#[tokio::test]
async fn who_is_woken_and_not_polled_loses_the_lead() {
    let (flights, mut old, follower) = lost();
    let mut next = follower.lead();
    let mut late = waiting(&flights, 1).remove(0);
    old.answer(content());
    assert!(late.waits(), "what the old leader does is its own");
    drop(old);
    assert!(late.waits());
    assert_eq!((late.woken(), in_progress(&flights)), (0, 1));
    next.answer(content());
    assert!(late.is_answered());
    drop(next);
    assert_eq!(in_progress(&flights), 0);
}

#[tokio::test]
async fn so_it_does_whichever_way_it_ends() {
    let ends: [fn(Lead); 4] = [
        drop,
        Lead::split,
        |lead| assert!(lead.leave_if_alone().is_ok()),
        |mut lead| lead.answer(Answer::Content(crate::entry::Content::Absent)),
    ];
    for end in ends {
        let (flights, old, follower) = lost();
        let next = follower.lead();
        let mut late = waiting(&flights, 1).remove(0);
        end(old);
        assert!(late.waits());
        assert_eq!((late.woken(), in_progress(&flights)), (0, 1));
        drop(late);
        assert!(next.leave_if_alone().is_ok());
        assert_eq!(in_progress(&flights), 0);
    }
}

#[tokio::test]
async fn who_goes_before_anybody_has_taken_the_lead_leaves_it_to_be_taken() {
    let (flights, old, follower) = lost();
    drop(old);
    drop(follower.lead());
    assert_eq!(in_progress(&flights), 0);
}

#[tokio::test]
async fn who_is_polled_keeps_the_lead_however_long_it_takes() {
    let (flights, mut leader) = start();
    let bell = rest(&mut leader);
    let mut follower = waiting(&flights, 1).remove(0);
    for _ in 0..10 {
        look(&flights);
        drop(leader.beat());
    }
    assert_eq!(rung(&bell), 0);
    for times in 1..10 {
        look(&flights);
        look(&flights);
        assert_eq!(rung(&bell), times);
        drop(leader.beat());
    }
    assert!(follower.waits());
    assert_eq!(follower.woken(), 0);
}

/// Its poll may take long, which is not to be cured by another of it.
#[tokio::test]
async fn who_is_being_polled_keeps_the_lead() {
    let (flights, mut leader) = start();
    let bell = rest(&mut leader);
    let mut follower = waiting(&flights, 1).remove(0);
    let beat = leader.beat();
    for _ in 0..10 {
        look(&flights);
    }
    assert!(follower.waits());
    drop(beat);
    assert_eq!((follower.woken(), rung(&bell)), (0, 0));
}

#[tokio::test]
async fn so_does_who_has_nothing_to_wait_for_yet() {
    let (flights, leader) = start();
    let mut follower = waiting(&flights, 1).remove(0);
    for _ in 0..10 {
        look(&flights);
    }
    assert!(follower.waits());
    assert_eq!(follower.woken(), 0);
    drop(leader);
}

#[tokio::test]
async fn nobody_looks_where_nobody_waits() {
    let (flights, mut leader) = start();
    rest(&mut leader);
    let followers = waiting(&flights, 2);
    look(&flights);
    drop(followers);
    assert!(!flights.look());
    let mut follower = waiting(&flights, 1).remove(0);
    look(&flights);
    leader.answer(content());
    assert!(!flights.look());
    assert!(follower.is_answered());
    let gone = Arc::clone(&follower.wait.flight);
    drop((leader, follower));
    assert_eq!(Arc::strong_count(&gone), 1);
}

#[tokio::test]
async fn after_two_that_are_lost_all_run_for_themselves() {
    let (flights, old, follower) = lost();
    let mut next = follower.lead();
    rest(&mut next);
    let followers = waiting(&flights, 3);
    for _ in 0..3 {
        look(&flights);
    }
    let leads: Vec<_> = followers.into_iter().map(Follower::lead).collect();
    drop((old, next));
    assert_eq!(in_progress(&flights), 1);
    drop(leads);
    assert_eq!(in_progress(&flights), 0);
}

/// One who waits is offered the lead, and is kept and not polled himself.
#[tokio::test]
async fn a_turn_that_nobody_takes_is_offered_to_the_next() {
    let (flights, leader) = start();
    let mut followers = waiting(&flights, 3);
    drop(leader);
    for turns in 1..=3 {
        assert_eq!(followers.iter().map(Follower::woken).sum::<usize>(), turns);
        look(&flights);
    }
    drop(followers.pop().unwrap().lead());
    followers.clear();
    assert_eq!(in_progress(&flights), 0);
}

#[tokio::test]
async fn a_batch_lives_or_is_lost_with_all_that_it_leads() {
    let (flights, mut leader) = start();
    let (batch, pulse) = (Group::new(), Arc::<Pulse>::default());
    leader.join_group(batch, &pulse);
    let bell = Arc::<Bell>::default();
    pulse.rest(&Waker::from(Arc::clone(&bell)));
    let mut follower = waiting(&flights, 1).remove(0);
    for _ in 0..10 {
        look(&flights);
        drop(pulse.beat());
    }
    assert!(follower.waits());
    for _ in 0..3 {
        look(&flights);
    }
    assert_eq!((follower.woken(), rung(&bell)), (1, 1));
    // It is not the batch's key any more.
    let next = follower.lead();
    let _within = batch.enter();
    assert!(matches!(flights.join(KEY), Joined::Follower(_)));
    drop((leader, next));
    assert_eq!(in_progress(&flights), 0);
}

/// Who fills the tiers below is kept and not polled.
#[tokio::test]
async fn an_answer_is_given_for_a_second() {
    let (flights, mut leader) = start();
    leader.answer(content());
    assert!(follow(&flights).is_answered());
    let age = |by| {
        let joined = follow(&flights);
        joined.wait.flight.lock().answered = Instant::now().checked_sub(Duration::from_millis(by));
    };
    age(900);
    assert!(follow(&flights).is_answered());
    assert!(flights.begin(KEY).is_none());
    age(1_001);
    let next = lead(&flights);
    drop(leader);
    assert_eq!(in_progress(&flights), 1);
    drop(next);
    assert_eq!(in_progress(&flights), 0);
}

/// Those who came before an invalidation have nobody else to wait for.
#[tokio::test]
async fn a_detached_flight_is_looked_at_too() {
    let (flights, mut leader) = start();
    rest(&mut leader);
    let follower = waiting(&flights, 1).remove(0);
    flights.detach(KEY);
    for _ in 0..3 {
        look(&flights);
    }
    assert_eq!(follower.woken(), 1);
    drop((follower.lead(), leader));
    assert!(!flights.look());
}

#[tokio::test]
async fn of_detached_flights_that_are_over_nothing_is_kept() {
    let flights = Arc::<Flights>::default();
    let kept = lead(&flights);
    let follower = waiting(&flights, 1);
    flights.detach_if(|_| true);
    for _ in 0..10_000 {
        let leader = lead(&flights);
        let follower = waiting(&flights, 1);
        flights.detach(KEY);
        drop((follower, leader));
    }
    assert!(flights.watch.detached().len() < 10);
    look(&flights);
    assert_eq!(flights.watch.detached().len(), 1);
    drop((follower, kept));
}

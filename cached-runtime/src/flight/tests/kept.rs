//! Leaders that are kept and not polled, and turns that are not taken.
//!
//! The looks are made by hand.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::{Bell, Follower, KEY, content, follow, in_progress, lead, useless, waiting};
use crate::flight::pulse::Pulse;
use crate::flight::{Answer, Flights, Group, Joined, Lead, Turn};

/// What a leader waits for has a waker, which counts.
fn rest(leader: &mut Lead) -> Arc<Bell> {
    let bell = Arc::<Bell>::default();
    leader.rest(&Waker::from(Arc::clone(&bell)));
    bell
}

fn rung(bell: &Bell) -> usize {
    bell.0.load(SeqCst)
}

/// Flights that nobody else looks at.
fn flights() -> Arc<Flights> {
    let flights = Arc::<Flights>::default();
    flights.watch.on.store(true, SeqCst);
    flights
}

fn start() -> (Arc<Flights>, Lead) {
    let flights = flights();
    let leader = lead(&flights);
    (flights, leader)
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

#[test]
fn who_is_woken_and_not_polled_loses_the_lead() {
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

#[test]
fn so_it_does_whichever_way_it_ends() {
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

/// Once a minute, and of nobody who led before.
#[test]
fn it_is_told_when_a_lead_is_taken() {
    let (flights, old, follower) = lost();
    let mut next = follower.lead();
    assert!(!old.tells_of_lost());
    assert!(next.tells_of_lost());
    assert!(!next.tells_of_lost());
    rest(&mut next);
    let follower = waiting(&flights, 1).remove(0);
    drop(next);
    assert!(!follower.lead().from_lost);
}

#[test]
fn who_goes_before_anybody_has_taken_the_lead_leaves_it_to_be_taken() {
    let (flights, old, follower) = lost();
    drop(old);
    drop(follower.lead());
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn who_is_polled_keeps_the_lead_however_long_it_takes() {
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
#[test]
fn who_is_being_polled_keeps_the_lead() {
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

#[test]
fn so_does_who_has_nothing_to_wait_for_yet() {
    let (flights, leader) = start();
    let mut follower = waiting(&flights, 1).remove(0);
    for _ in 0..10 {
        look(&flights);
    }
    assert!(follower.waits());
    assert_eq!(follower.woken(), 0);
    drop(leader);
}

#[test]
fn nobody_looks_where_nobody_waits() {
    let (flights, mut leader) = start();
    rest(&mut leader);
    let followers = waiting(&flights, 2);
    look(&flights);
    drop(followers);
    assert!(!flights.look());
    let mut follower = waiting(&flights, 1).remove(0);
    look(&flights);
    leader.answer(content());
    // He may find that the answer is of no use to him.
    look(&flights);
    assert!(follower.is_answered());
    drop(follower);
    assert!(!flights.look());
    drop(leader);
    assert_eq!(flights.watch.detached().len(), 0);
}

#[test]
fn after_two_that_are_lost_all_run_for_themselves() {
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

/// One who waits is offered the lead, and is kept and not polled himself; so are others who could be offered it next.
#[test]
fn a_turn_that_nobody_takes_is_everybodys() {
    let (flights, leader) = start();
    let mut followers = waiting(&flights, 100);
    drop(leader);
    let woken = |followers: &[Follower]| followers.iter().map(Follower::woken).sum::<usize>();
    assert_eq!(woken(&followers), 1);
    look(&flights);
    assert_eq!(woken(&followers), 100);
    let leader = followers.pop().unwrap().lead();
    assert!(followers.iter_mut().all(Follower::waits));
    drop((leader, followers));
    assert_eq!(in_progress(&flights), 0);
}

/// While it is polled again nothing is taken from it, though those who wait have been woken.
#[test]
fn who_is_polled_before_anybody_comes_keeps_the_lead() {
    let (_flights, mut leader, mut follower) = lost();
    drop(leader.beat());
    assert!(follower.waits());
    leader.answer(content());
    assert!(follower.is_answered());
}

/// Who was to poll it has never begun to.
#[test]
fn a_load_in_the_background_that_nobody_polls_is_lost() {
    let flights = flights();
    let reload = flights.begin(KEY).expect("nobody is at it");
    let follower = waiting(&flights, 1).remove(0);
    for _ in 0..3 {
        look(&flights);
    }
    drop((follower.lead(), reload));
    assert_eq!(in_progress(&flights), 0);
}

/// Its answer was of no use to one of those who waited, who loads while the flight is in the map no more, and is kept.
#[test]
fn who_leads_after_an_answer_of_no_use_is_looked_at() {
    let (flights, mut leader) = start();
    let mut followers = waiting(&flights, 2);
    leader.answer(useless());
    drop(leader);
    assert_eq!(in_progress(&flights), 0);
    let mut next = followers.remove(0).lead();
    let bell = rest(&mut next);
    assert!(followers[0].waits());
    for _ in 0..3 {
        look(&flights);
    }
    assert_eq!(rung(&bell), 1);
    drop((followers.remove(0).lead(), next));
    assert!(!flights.look());
}

#[test]
fn nothing_of_who_led_first_stays_in_a_flight_that_goes_on() {
    let (flights, mut leader) = start();
    let bell = rest(&mut leader);
    let follower = waiting(&flights, 1).remove(0);
    assert_eq!(Arc::strong_count(&bell), 2);
    drop(leader);
    assert_eq!(Arc::strong_count(&bell), 1);
    let mut next = follower.lead();
    let next_bell = rest(&mut next);
    drop(next);
    assert_eq!(Arc::strong_count(&next_bell), 1);
    assert_eq!(in_progress(&flights), 0);
}

/// Whoever led first shows himself in the flight, and goes on to when he has lost it.
#[test]
fn one_who_has_lost_the_lead_does_not_live_for_the_next() {
    let (flights, mut old, follower) = lost();
    let mut next = follower.lead();
    let bell = rest(&mut next);
    let second = waiting(&flights, 1).remove(0);
    for _ in 0..3 {
        drop(old.beat());
        rest(&mut old);
        look(&flights);
    }
    assert_eq!((rung(&bell), second.woken()), (1, 1));
    drop((old, next, second.lead()));
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn a_batch_lives_or_is_lost_with_all_that_it_leads() {
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
#[test]
fn an_answer_is_given_for_a_second() {
    let (flights, mut leader) = start();
    leader.answer(content());
    assert!(follow(&flights).is_answered());
    let age = |by| {
        let joined = follow(&flights);
        joined.wait.flight.lock().answered = Instant::now().checked_sub(Duration::from_millis(by));
    };
    age(500);
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
#[test]
fn a_detached_flight_is_looked_at_too() {
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

#[test]
fn of_detached_flights_that_are_over_nothing_is_kept() {
    let flights = flights();
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

/// One who has answered, and fills the tiers below, is not the one who leads since that answer was of no use.
#[test]
fn who_leads_after_an_answer_of_no_use_is_not_judged_by_who_gave_it() {
    let (flights, mut old) = start();
    let mut followers = waiting(&flights, 2);
    old.answer(useless());
    let next = followers.remove(0).lead();
    let late = waiting(&flights, 1);
    rest(&mut old);
    for _ in 0..4 {
        look(&flights);
    }
    assert_eq!(late[0].woken(), 0);
    drop((old, next));
}

/// Those who begin to wait after the last look add it again.
#[test]
fn what_nobody_waits_for_is_looked_at_no_more_until_somebody_does() {
    let (flights, _leader) = start();
    let followers = waiting(&flights, 1);
    assert!(flights.look_or_end());
    drop(followers);
    assert!(!flights.look_or_end());
    assert!(!flights.watch.on.load(SeqCst));
    let _followers = waiting(&flights, 1);
    assert!(flights.watch.on.load(SeqCst));
}

/// One of those who come and go by chance.
enum Actor {
    Away,
    Follows(Follower),
    Leads(Lead),
}

impl Actor {
    fn join(flights: &Arc<Flights>) -> Self {
        match flights.join(KEY) {
            Joined::Leader(lead) => Self::lead(lead),
            Joined::Follower(wait) => Self::Follows(Follower {
                wait,
                bell: Arc::default(),
            }),
            Joined::Inside => panic!("nobody is inside of a load"),
        }
    }

    /// Whoever comes to lead begins to load in the same poll.
    fn lead(mut lead: Lead) -> Self {
        rest(&mut lead);
        Self::Leads(lead)
    }

    /// Is polled. A leader ends by `ends`, or waits on.
    fn poll(self, ends: Option<fn(Lead)>) -> Self {
        match self {
            Self::Follows(mut follower) => match follower.poll() {
                Poll::Ready(Turn::Lead(lead)) => Self::lead(lead),
                Poll::Ready(Turn::Answered) => Self::Away,
                Poll::Pending => Self::Follows(follower),
            },
            Self::Leads(mut lead) => match ends {
                Some(end) => {
                    end(lead);
                    Self::Away
                }
                None => {
                    drop(lead.beat());
                    rest(&mut lead);
                    Self::Leads(lead)
                }
            },
            Self::Away => Self::Away,
        }
    }
}

/// Whoever is kept, and whatever the others do, one who is polled is answered or loads after a few looks. `CACHED_SEED`
/// repeats a run.
#[test]
fn by_chance_nobody_who_is_polled_waits_for_long() {
    let seed = std::env::var("CACHED_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("CACHED_SEED={seed}");
    let ends: [fn(Lead); 4] = [
        drop,
        Lead::split,
        |mut lead| lead.answer(content()),
        |lead| drop(lead.leave_if_alone()),
    ];
    for run in 0..2_000 {
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(run));
        let flights = flights();
        // Fewer than run for themselves at once.
        let mut actors: Vec<(Actor, bool)> = (0..random.usize(2..20)).map(|_| (Actor::Away, false)).collect();
        for _ in 0..random.usize(0..150) {
            let at = random.usize(..actors.len());
            let (actor, kept) = std::mem::replace(&mut actors[at], (Actor::Away, false));
            actors[at] = match random.u8(..10) {
                0 => (actor, true),
                1 => (actor, false),
                2 => (Actor::Away, false),
                _ if kept => (actor, true),
                _ if matches!(actor, Actor::Away) => (Actor::join(&flights), false),
                3 => (actor.poll(random.choice(ends)), false),
                _ => (actor.poll(None), false),
            };
            if random.u8(..4) == 0 {
                flights.look();
            }
            if random.u8(..30) == 0 {
                flights.detach(KEY);
            }
        }
        // From here on those who are not kept are polled whenever they are woken, and their loads end.
        for look in 0.. {
            let mut waits = false;
            for (actor, kept) in &mut actors {
                if !*kept {
                    let polled =
                        std::mem::replace(actor, Actor::Away).poll(Some(|mut lead| lead.answer(content())));
                    *actor = polled;
                    waits |= !matches!(actor, Actor::Away);
                }
            }
            if !waits {
                break;
            }
            assert!(look < 8, "in run {run} somebody waits for too long");
            flights.look();
        }
        actors.clear();
        assert_eq!(in_progress(&flights), 0, "in run {run} something is left");
        assert!(!flights.look());
    }
}

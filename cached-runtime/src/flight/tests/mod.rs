//! The protocol of a flight step by step: who is woken, who leads, and that nothing stays in the map.

mod kept;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::state::SOLO_RUNS;
use super::{Answer, Flights, Group, Joined, Lead, Maker, Turn, Wait};
use crate::entry::Content;
use crate::tier::memory::Probe;

const KEY: Probe<'static> = Probe {
    hash: 7,
    bytes: b"key",
};

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Somebody who waits, polled by hand.
struct Follower {
    wait: Wait,
    bell: Arc<Bell>,
}

impl Follower {
    fn poll(&mut self) -> Poll<Turn> {
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut has_content = |answer: &Answer| matches!(answer, Answer::Content(_));
        Pin::new(&mut self.wait).poll_turn(&mut Context::from_waker(&waker), &mut has_content)
    }

    fn waits(&mut self) -> bool {
        self.poll().is_pending()
    }

    fn lead(mut self) -> Lead {
        match self.poll() {
            Poll::Ready(Turn::Lead(lead)) => lead,
            Poll::Ready(Turn::Answered) => panic!("answered"),
            Poll::Pending => panic!("not its turn"),
        }
    }

    fn is_answered(&mut self) -> bool {
        matches!(self.poll(), Poll::Ready(Turn::Answered))
    }

    fn woken(&self) -> usize {
        self.bell.0.load(SeqCst)
    }
}

fn lead(flights: &Arc<Flights>) -> Lead {
    match flights.join(KEY) {
        Joined::Leader(lead) => lead,
        Joined::Follower(_) | Joined::Inside => panic!("a flight is in progress"),
    }
}

fn follow(flights: &Arc<Flights>) -> Follower {
    match flights.join(KEY) {
        Joined::Follower(wait) => Follower {
            wait,
            bell: Arc::default(),
        },
        Joined::Leader(_) | Joined::Inside => panic!("no flight is in progress"),
    }
}

/// So many that have begun to wait.
fn waiting(flights: &Arc<Flights>, count: usize) -> Vec<Follower> {
    let mut followers: Vec<_> = (0..count).map(|_| follow(flights)).collect();
    assert!(followers.iter_mut().all(Follower::waits));
    followers
}

fn start() -> (Arc<Flights>, Lead) {
    let flights = Arc::<Flights>::default();
    let leader = lead(&flights);
    (flights, leader)
}

fn in_progress(flights: &Flights) -> usize {
    flights
        .shards
        .iter()
        .map(|shard| shard.lock().unwrap().len())
        .sum()
}

fn content() -> Answer {
    Answer::Content(Content::Absent)
}

#[test]
fn an_answer_wakes_everybody_and_serves_who_comes_until_the_leader_is_done() {
    let (flights, mut leader) = start();
    let mut followers = waiting(&flights, 3);
    leader.answer(content());
    assert!(followers.iter().all(|follower| follower.woken() == 1));
    assert!(followers.iter_mut().all(Follower::is_answered));
    assert!(follow(&flights).is_answered());
    drop(leader);
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn a_fallen_leader_wakes_one_and_whoever_looks_first_leads() {
    let (flights, leader) = start();
    let mut followers = waiting(&flights, 3);
    drop(leader);
    assert_eq!(followers.iter().map(Follower::woken).sum::<usize>(), 1);
    // Not the one that was woken.
    let mut leader = followers.pop().unwrap().lead();
    assert!(followers.iter_mut().all(Follower::waits));
    leader.answer(content());
    assert!(followers.iter_mut().all(Follower::is_answered));
    drop((leader, followers));
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn a_turn_that_is_not_taken_passes_from_one_to_the_next() {
    let (flights, leader) = start();
    let mut followers = waiting(&flights, 100);
    drop(leader);
    while followers.len() > 1 {
        let woken = followers
            .iter()
            .position(|follower| follower.woken() > 0)
            .unwrap();
        drop(followers.swap_remove(woken));
    }
    assert_eq!(followers[0].woken(), 1);
    drop(followers.remove(0).lead());
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn nothing_stays_when_all_go_in_whatever_order() {
    for first in [true, false] {
        let (flights, leader) = start();
        let followers = waiting(&flights, 10);
        if first {
            drop(leader);
            assert_eq!(in_progress(&flights), 1);
            drop(followers);
        } else {
            drop(followers);
            assert_eq!(in_progress(&flights), 1);
            drop(leader);
        }
        assert_eq!(in_progress(&flights), 0);
    }
}

/// Joined, and not yet polled: it cannot be woken, and must not be forgotten.
#[test]
fn who_has_only_just_joined_is_counted() {
    let (flights, leader) = start();
    let follower = follow(&flights);
    let Err(leader) = leader.leave_if_alone() else {
        panic!("somebody waits");
    };
    drop(leader);
    drop(follower.lead());
    let leader = lead(&flights);
    let follower = follow(&flights);
    drop(leader);
    drop(follower);
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn who_is_alone_leaves_and_the_next_begins_anew() {
    let (flights, leader) = start();
    assert!(leader.leave_if_alone().is_ok());
    assert_eq!(in_progress(&flights), 0);
    drop(lead(&flights));
}

#[test]
fn after_two_falls_so_many_run_at_once_and_no_more() {
    let (flights, leader) = start();
    let mut followers = waiting(&flights, 2 * SOLO_RUNS + 1);
    drop(leader);
    drop(followers.pop().unwrap().lead());
    // One of them had been offered the lead before.
    let woken: usize = followers.iter().map(Follower::woken).sum();
    assert_eq!(woken, SOLO_RUNS + 1);
    let mut rest = followers.split_off(SOLO_RUNS);
    let mut running: Vec<_> = followers.into_iter().map(Follower::lead).collect();
    assert!(rest.iter_mut().all(Follower::waits));
    // Whichever way one ends, another may begin.
    running.pop().unwrap().split();
    running.push(rest.pop().unwrap().lead());
    drop(running.pop());
    running.push(rest.pop().unwrap().lead());
    assert!(rest.iter_mut().all(Follower::waits));
    let mut late = follow(&flights);
    assert!(late.waits());
    running[0].answer(content());
    assert!(rest.iter_mut().all(Follower::is_answered) && late.is_answered());
    drop(running);
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn the_last_of_those_that_run_for_themselves_ends_the_flight() {
    let (flights, leader) = start();
    let followers = waiting(&flights, 2);
    leader.split();
    let mut running: Vec<_> = followers.into_iter().map(Follower::lead).collect();
    assert!(running.pop().unwrap().leave_if_alone().is_ok());
    // Who comes now is one more of them, not the first of a new flight.
    assert_eq!(in_progress(&flights), 1);
    running.push(follow(&flights).lead());
    for lead in running {
        assert!(lead.leave_if_alone().is_ok());
    }
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn who_comes_after_an_invalidation_does_not_wait_for_what_came_before() {
    for detach in [
        |flights: &Arc<Flights>| flights.detach(KEY),
        |flights: &Arc<Flights>| flights.detach_if(|key| key == KEY.bytes),
    ] {
        let (flights, mut old) = start();
        let mut follower = waiting(&flights, 1).remove(0);
        detach(&flights);
        let mut new = lead(&flights);
        let mut later = waiting(&flights, 1).remove(0);
        // The end of the old flight is nothing to the new one.
        old.answer(content());
        drop(old);
        assert!(follower.is_answered());
        assert!(later.waits());
        assert_eq!((later.woken(), in_progress(&flights)), (0, 1));
        new.answer(content());
        assert!(later.is_answered());
        drop(new);
        assert_eq!(in_progress(&flights), 0);
    }
}

#[test]
fn a_detached_flight_still_hands_over() {
    let (flights, leader) = start();
    let followers = waiting(&flights, 3);
    flights.detach(KEY);
    drop(leader);
    let mut followers = followers.into_iter();
    let mut leader = followers.next().unwrap().lead();
    leader.answer(content());
    assert!(followers.all(|mut follower| follower.is_answered()));
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn who_gives_a_leader_in_the_background_up_makes_room_for_another() {
    let flights = Arc::<Flights>::default();
    let mut hanging = flights.begin(KEY).unwrap();
    assert!(flights.begin(KEY).is_none());
    let mut patient = follow(&flights);
    assert!(patient.waits());
    drop(waiting(&flights, 1));
    let mut leader = lead(&flights);
    let mut later = waiting(&flights, 1).remove(0);
    // It answers those who have stayed, and is nothing to the others.
    hanging.answer(content());
    drop(hanging);
    assert!(patient.is_answered() && later.waits());
    leader.answer(content());
    assert!(later.is_answered());
    drop(leader);
    assert_eq!(in_progress(&flights), 0);
}

/// Once it has fallen it is led by callers, who are dropped when they are given up.
#[test]
fn a_flight_that_a_caller_has_taken_over_is_as_any_other() {
    let flights = Arc::<Flights>::default();
    let hanging = flights.begin(KEY).unwrap();
    let follower = follow(&flights);
    drop(hanging);
    let leader = follower.lead();
    drop(waiting(&flights, 1));
    assert!(follow(&flights).waits());
    drop(leader);
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn slots_are_used_again() {
    let (flights, leader) = start();
    for _ in 0..1_000 {
        drop(waiting(&flights, 10));
    }
    let mut followers = waiting(&flights, 10);
    assert!(leader.leave_if_alone().is_err());
    assert_eq!(followers.iter().map(Follower::woken).sum::<usize>(), 1);
    drop(followers.pop().unwrap().lead());
}

fn useless() -> Answer {
    Answer::Error(Maker::new(Box::new(())))
}

#[test]
fn after_an_answer_of_no_use_one_of_those_who_waited_leads() {
    let (flights, mut leader) = start();
    let mut followers = waiting(&flights, 3);
    leader.answer(useless());
    assert!(followers.iter().all(|follower| follower.woken() == 1));
    let mut next = followers.pop().unwrap().lead();
    assert!(followers.iter_mut().all(Follower::waits));
    // The flight goes on without the one who gave the answer, and for whoever comes.
    drop(leader);
    followers.extend(waiting(&flights, 1));
    next.answer(content());
    assert!(followers.iter_mut().all(Follower::is_answered));
    drop((next, followers));
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn an_answer_that_nobody_can_use_leaves_nothing_behind() {
    let (flights, mut leader) = start();
    let mut followers = waiting(&flights, 2);
    leader.answer(useless());
    drop(leader);
    drop(followers.pop().unwrap().lead());
    drop(followers.pop().unwrap().lead());
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn who_rests_is_offered_no_turn_and_is_counted_all_the_same() {
    let (flights, leader) = start();
    let mut followers = waiting(&flights, 2);
    followers[0].wait.rest();
    let leader = leader.leave_if_alone().err().unwrap();
    drop(leader);
    assert_eq!((followers[0].woken(), followers[1].woken()), (0, 1));
    drop(followers.pop());
    assert_eq!(followers[0].woken(), 0);
    // Nobody was in its way, so the turn is still there.
    drop(followers.pop().unwrap().lead());
    assert_eq!(in_progress(&flights), 0);
}

#[test]
fn a_turn_that_was_offered_to_who_rests_passes_on() {
    let (flights, leader) = start();
    let followers = waiting(&flights, 2);
    drop(leader);
    assert_eq!((followers[0].woken(), followers[1].woken()), (1, 0));
    followers[0].wait.rest();
    assert_eq!((followers[0].woken(), followers[1].woken()), (1, 1));
}

#[test]
fn a_batch_that_comes_back_to_one_of_its_keys_is_inside() {
    let (flights, mut leader) = start();
    let batch = Group::new();
    leader.join_group(batch, &Arc::default());
    {
        let _within = batch.enter();
        assert!(matches!(flights.join(KEY), Joined::Inside));
        let _other = Group::new().enter();
        assert!(matches!(flights.join(KEY), Joined::Inside));
    }
    let _other = Group::new().enter();
    assert!(matches!(flights.join(KEY), Joined::Follower(_)));
}

#[test]
fn who_would_wait_for_himself_over_others_is_inside() {
    const OTHER: Probe<'static> = Probe {
        hash: 8,
        bytes: b"other",
    };
    let flights = Arc::new(Flights::default());
    let (one, two) = (Group::new(), Group::new());
    let lead = |probe, group| match flights.join_as(probe, Some(group)) {
        Joined::Leader(lead) => lead,
        Joined::Follower(_) | Joined::Inside => panic!("no flight is in progress"),
    };
    let (_of_one, of_two) = (lead(KEY, one), lead(OTHER, two));
    let waiting = {
        let _within = one.enter();
        flights.join(OTHER)
    };
    assert!(matches!(waiting, Joined::Follower(_)));
    let ask = || {
        let _within = two.enter();
        flights.join(KEY)
    };
    assert!(matches!(ask(), Joined::Inside));
    // Who waits outside of all loads keeps nobody waiting.
    assert!(matches!(flights.join(KEY), Joined::Follower(_)));
    drop(waiting);
    assert!(matches!(ask(), Joined::Follower(_)));
    drop(of_two);
}

/// A reload's answer is of no use to one who waits, so he loads: a caller's lead, which nobody gives up.
#[test]
fn a_lead_taken_over_from_the_background_is_not_given_up() {
    let flights = Arc::new(Flights::default());
    let mut reload = flights.begin(KEY).expect("nobody is there");
    let wait = |flights: &Arc<Flights>| match flights.join(KEY) {
        Joined::Follower(wait) => Follower {
            wait,
            bell: Arc::default(),
        },
        _ => panic!("there is a flight"),
    };
    let (first, mut second) = (wait(&flights), wait(&flights));
    reload.answer(Answer::Error(Maker::new(Box::new(()))));
    let lead = first.lead();
    drop(reload);
    assert!(second.waits());
    drop(second);
    assert!(
        matches!(flights.join(KEY), Joined::Follower(_)),
        "one load for all"
    );
    drop(lead);
}

/// The last waker of a task that nobody polls any more drops what the task holds: here another who waits for the same.
#[test]
fn a_waker_may_drop_who_waits_for_the_same_flight() {
    struct Holds(#[expect(dead_code, reason = "dropped")] std::sync::Mutex<Option<Wait>>);
    impl Wake for Holds {
        fn wake(self: Arc<Self>) {}
    }
    let (done, ends) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let flights = Arc::new(Flights::default());
        let Joined::Leader(lead) = flights.join(KEY) else {
            panic!("nobody is there")
        };
        let wait = || match flights.join(KEY) {
            Joined::Follower(wait) => wait,
            _ => panic!("there is a flight"),
        };
        let (mut moved, held) = (wait(), wait());
        let mut never = |_: &Answer| false;
        let task = Waker::from(Arc::new(Holds(std::sync::Mutex::new(Some(held)))));
        assert!(
            Pin::new(&mut moved)
                .poll_turn(&mut Context::from_waker(&task), &mut never)
                .is_pending()
        );
        // The flight has the last waker of that task; what waits goes on in another.
        drop(task);
        let _ = Pin::new(&mut moved).poll_turn(&mut Context::from_waker(Waker::noop()), &mut never);
        drop(moved);
        drop(lead);
        done.send(()).unwrap();
    });
    ends.recv_timeout(std::time::Duration::from_secs(20))
        .expect("stuck");
}

/// Does something when it goes.
struct Last<F: FnMut() + Send>(F);

impl<F: FnMut() + Send> Drop for Last<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// Of two who can make nothing of it, the second has the last of it.
#[test]
fn an_answer_of_no_use_is_dropped_where_the_flight_can_be_joined() {
    let (done, end) = channel();
    std::thread::spawn(move || {
        let (flights, mut leader) = start();
        let mut followers = waiting(&flights, 2);
        let joined = Arc::clone(&flights);
        leader.answer(Answer::Error(Maker::new(Box::new(Last(move || {
            drop(joined.join(KEY));
        })))));
        let mut second = followers.pop().unwrap();
        let mut first = followers.pop();
        let mut leads = None;
        let mut overtaken = |_: &Answer| {
            leads = first.take().map(Follower::lead);
            false
        };
        let waker = Waker::noop();
        let turn = Pin::new(&mut second.wait).poll_turn(&mut Context::from_waker(waker), &mut overtaken);
        assert!(turn.is_pending() && leads.is_some());
        drop(leader);
        done.send(()).unwrap();
    });
    end.recv_timeout(Duration::from_secs(20))
        .expect("the flight's lock is held");
}

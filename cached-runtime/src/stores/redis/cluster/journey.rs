//! Commands on their way through a cluster.
//!
//! Called by the verbs. Knows nothing of what the commands are about.
//!
//! Those for one server travel together, in one round trip; all servers are asked at once. A redirection is the answer
//! of a server that has done nothing, so the command may go on to where it points; nothing else is ever sent twice.

use std::sync::Arc;

use redis::{Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value, pipe};

use super::map::Address;
use super::{Cluster, Map, Node};
use crate::BoxFuture;
use crate::stores::together::all;

/// Redirections that a command follows. More mean that the servers do not agree on who keeps it.
const HOPS: usize = 4;
/// Commands that travel together: bounds what is held in memory, twice, for one request.
const LARGEST: usize = 2048;

/// A command that names keys of one slot.
pub(in super::super) struct Job {
    pub(in super::super) slot: u16,
    pub(in super::super) command: Cmd,
}

/// What to do where a server says that a key is, for this once, with another one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Follow,
    /// Leave it to the caller.
    Tell,
}

/// A command that is still to be answered.
struct Open {
    job: usize,
    /// To go there, for this once, instead of to who keeps the slot.
    detour: Option<Address>,
}

/// What goes to one server: places of jobs, and whether each is a detour.
struct Share {
    node: Arc<Node>,
    jobs: Vec<(usize, bool)>,
}

impl Cluster {
    /// Runs one command on the server that keeps `slot`.
    pub(in super::super) async fn run(self: &Arc<Self>, slot: u16, command: &Cmd) -> RedisResult<Value> {
        let command = command.clone();
        let mut answers = self.send(&[Job { slot, command }], Asked::Follow).await;
        answers.pop().unwrap_or_else(|| Err(unanswered()))
    }

    /// Runs all of them, in no order among servers and in the given one on each; the answers are in theirs.
    pub(super) async fn send(self: &Arc<Self>, jobs: &[Job], asked: Asked) -> Vec<RedisResult<Value>> {
        let mut answers = Vec::with_capacity(jobs.len());
        for jobs in jobs.chunks(LARGEST) {
            answers.extend(self.send_some(jobs, asked).await);
        }
        answers
    }

    async fn send_some(self: &Arc<Self>, jobs: &[Job], asked: Asked) -> Vec<RedisResult<Value>> {
        let mut answers: Vec<_> = jobs.iter().map(|_| Err(unanswered())).collect();
        let mut open: Vec<_> = (0..jobs.len()).map(|job| Open { job, detour: None }).collect();
        let mut led = None;
        for hop in 0..=HOPS {
            let map = match led.take() {
                Some(address) => self.map_after(address).await,
                None => self.map().await,
            };
            let map = match map {
                Ok(map) => map,
                Err(error) => {
                    for Open { job, .. } in open {
                        answers[job] = Err(error.clone());
                    }
                    break;
                }
            };
            let shares = self.shares(&map, jobs, open);
            let carried = shares
                .iter()
                .map(|share| -> BoxFuture<'_, _> { Box::pin(share.carry(jobs)) });
            let carried = all(carried.collect()).await;
            open = Vec::new();
            for (share, outcome) in shares.iter().zip(carried) {
                for (&(job, _), answer) in share.jobs.iter().zip(outcome) {
                    self.heed(&share.node, &answer);
                    match redirection(&share.node, &answer) {
                        Some(Redirection::Ask(address)) if hop < HOPS && asked == Asked::Follow => {
                            let detour = Some(address);
                            open.push(Open { job, detour });
                        }
                        Some(Redirection::Moved(address)) if hop < HOPS => {
                            led = Some(address);
                            open.push(Open { job, detour: None });
                        }
                        _ => answers[job] = answer,
                    }
                }
            }
            if open.is_empty() {
                break;
            }
        }
        answers
    }

    /// Who is to be sent what. What nobody keeps is in no share, and stays unanswered.
    fn shares(self: &Arc<Self>, map: &Map, jobs: &[Job], open: Vec<Open>) -> Vec<Share> {
        let mut shares: Vec<Share> = Vec::new();
        for Open { job, detour } in open {
            let node = match &detour {
                Some(address) => self.stranger(address),
                None => map.owner(jobs[job].slot).cloned(),
            };
            let Some(node) = node else {
                self.refresh();
                continue;
            };
            let job = (job, detour.is_some());
            match shares.iter_mut().find(|share| Arc::ptr_eq(&share.node, &node)) {
                Some(share) => share.jobs.push(job),
                None => shares.push(Share {
                    node,
                    jobs: vec![job],
                }),
            }
        }
        shares
    }
}

/// Where an answer sends its command.
pub(super) enum Redirection {
    /// For this once.
    Ask(Address),
    /// For good.
    Moved(Address),
}

pub(super) fn redirection<T>(node: &Node, answer: &RedisResult<T>) -> Option<Redirection> {
    let error = answer.as_ref().err()?;
    let (address, _) = error.redirect_node()?;
    let address = Address::read(address, &node.address)?;
    Some(if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) {
        Redirection::Ask(address)
    } else {
        Redirection::Moved(address)
    })
}

/// Runs `jobs` on one server; the slots of those that it did not run.
pub(super) async fn refused(node: &Arc<Node>, jobs: &[Job]) -> Vec<u16> {
    let mut refused = Vec::new();
    for jobs in jobs.chunks(LARGEST) {
        let share = Share {
            node: Arc::clone(node),
            jobs: (0..jobs.len()).map(|job| (job, false)).collect(),
        };
        for (job, answer) in jobs.iter().zip(share.carry(jobs).await) {
            // One that has left again is looked for by whoever wants it.
            if answer.is_err() && redirection(node, &answer).is_none() {
                refused.push(job.slot);
            }
        }
    }
    refused
}

impl Share {
    async fn carry(&self, jobs: &[Job]) -> Vec<RedisResult<Value>> {
        let failed = |error: RedisError| self.jobs.iter().map(|_| Err(error.clone())).collect();
        let Some(link) = self.node.link() else {
            return failed(unanswered());
        };
        if let [(job, false)] = *self.jobs {
            let answer = self.node.answer(link.run(&jobs[job].command)).await;
            return vec![answer.unwrap_or_else(Err)];
        }
        let mut commands = pipe();
        for &(job, detour) in &self.jobs {
            if detour {
                commands.cmd("ASKING");
            }
            commands.add_command(jobs[job].command.clone());
        }
        let answers = self.node.answer(link.run_all(&commands)).await;
        let mut answers = match answers.unwrap_or_else(Err) {
            Ok(answers) => answers.into_iter(),
            Err(error) => return failed(error),
        };
        let answer = |&(_, detour): &(usize, bool)| {
            if detour {
                answers.next();
            }
            answers.next().ok_or_else(unanswered)?.extract_error()
        };
        self.jobs.iter().map(answer).collect()
    }
}

pub(super) fn unanswered() -> RedisError {
    let why = "no server of the cluster keeps the slot of the key";
    (ErrorKind::ClusterConnectionNotFound, why).into()
}

//! What the verbs of the store are on a cluster, where they are not a command on the server of one key.
//!
//! Called by the store, whose scripts and whose reading of answers they share.
//!
//! While a slot is on its way from one server to another, what names two keys is refused if the keys are not both on
//! the same side. A lease and its value seldom are, so in such a slot hits go on to be served and removals to be made, by
//! commands on single keys, and what is loaded is not stored until the slot has arrived. No lease is handed out on the
//! side that imports: it could stand in the way of one that is still to come.

use std::error::Error as _;
use std::sync::Arc;

use redis::{ErrorKind as Kind, RedisError, RedisResult, ServerErrorKind, Value, cmd};

use super::Cluster;
use super::journey::{Asked, Job, Redirection, redirection, unanswered};
use super::node::GLANCE;
use super::slots::{lease_of, opening, slot_of};
use crate::store::{Filled, Filling, Found, Lookup};
use crate::stores::redis::leases::{BATCH, LEASE, Script, fresh, milliseconds};
use crate::stores::redis::link::Link;
use crate::stores::redis::{Inner, life, remaining};
use crate::{Error, ErrorKind};

/// A script with what it is run on.
struct Run<'a> {
    keys: Vec<&'a str>,
    arguments: Vec<&'a [u8]>,
}

/// Looks `key` up on the server that keeps it, together with those who look there at the moment.
pub(in super::super) async fn get(
    store: &Inner,
    cluster: &Arc<Cluster>,
    key: &str,
    life: bool,
) -> Result<Lookup, Error> {
    let map = store.told(cluster.map().await)?;
    let slot = slot_of(key);
    let Some(node) = map.owner(slot) else {
        cluster.refresh();
        return Err(store.error(unanswered()));
    };
    let cause = match node.answer(node.server.get_here(key, life)).await {
        Err(silent) => silent,
        Ok(Err(error)) => match error
            .source()
            .and_then(|cause| cause.downcast_ref::<RedisError>())
        {
            Some(cause) => cause.clone(),
            None => return Err(error),
        },
        Ok(found) => {
            cluster.heed::<()>(node, &Ok(()));
            return found;
        }
    };
    let answer: RedisResult<()> = Err(cause.clone());
    cluster.heed(node, &answer);
    match redirection(node, &answer) {
        None => return Err(store.error(cause)),
        Some(Redirection::Ask(_)) => {}
        Some(Redirection::Moved(address)) => drop(store.told(cluster.map_after(address).await)?),
    }
    let mut looked = look_up(store, cluster, &[key], life).await;
    looked.pop().unwrap_or_else(|| Err(store.unexpected()))
}

/// Looks several keys up, in one round trip to each server that keeps some of them.
pub(in super::super) async fn look_up(
    store: &Inner,
    cluster: &Arc<Cluster>,
    keys: &[&str],
    life: bool,
) -> Vec<Result<Lookup, Error>> {
    let lease = milliseconds(LEASE).to_string();
    let beside: Vec<_> = keys.iter().map(|key| (fresh(), opening(key))).collect();
    let runs = keys.iter().zip(&beside).map(|(key, (seed, opening))| Run {
        keys: vec![*key],
        arguments: look_up_arguments(&lease, seed, life, opening),
    });
    let runs: Vec<_> = runs.collect();
    let answers = run_all(cluster, &store.scripts.look_up, &runs, Asked::Tell).await;
    let on_its_way = |answer: &RedisResult<Value>| is(answer, ServerErrorKind::Ask);
    let moving: Vec<&str> = keys
        .iter()
        .zip(&answers)
        .filter_map(|(key, answer)| on_its_way(answer).then_some(*key))
        .collect();
    let mut moving = look_only(store, cluster, &moving).await.into_iter();
    let looked = answers.into_iter().map(|answer| {
        if on_its_way(&answer) {
            return moving.next().unwrap_or_else(|| Err(store.unexpected()));
        }
        let (what, left) = alone(store.told(answer)?, life);
        store.looked_up(what, left.as_ref())
    });
    looked.collect()
}

/// The same without handing out leases, for keys whose slots are being moved.
async fn look_only(store: &Inner, cluster: &Arc<Cluster>, keys: &[&str]) -> Vec<Result<Lookup, Error>> {
    let jobs = keys.iter().flat_map(|key| {
        ["GET", "PTTL"].map(|verb| Job {
            slot: slot_of(key),
            command: cmd(verb).arg(key).take(),
        })
    });
    let jobs: Vec<_> = jobs.collect();
    let answers = cluster.send(&jobs, Asked::Follow).await;
    let (pairs, _) = answers.as_chunks::<2>();
    let looked = pairs.iter().map(|[what, left]| match (what, left) {
        (Ok(Value::BulkString(bytes)), Ok(Value::Int(left))) => Ok(Lookup::Found(Found {
            bytes: bytes.clone(),
            remaining: remaining(*left),
        })),
        (Ok(Value::Nil), _) => {
            let what = format!(
                "{} is moving the slot of the key, which cannot be filled meanwhile",
                store.name
            );
            Err(Error::new(ErrorKind::Unavailable, what).of_a_part())
        }
        (Err(error), _) if error.code() == Some("WRONGTYPE") => {
            let what = format!("{} cannot read a key", store.name);
            Err(Error::new(ErrorKind::Decode, what).with_cause(error.clone()))
        }
        (Err(error), _) | (_, Err(error)) => Err(store.error(error.clone())),
        _ => Err(store.unexpected()),
    });
    looked.collect()
}

/// The look-up of several keys on one server, whose slots differ, so that each takes a script of its own; answered as the
/// one script would.
pub(in super::super) async fn look_apart(
    link: &Link,
    script: &Script,
    keys: &[&str],
    life: bool,
) -> RedisResult<Value> {
    let lease = milliseconds(LEASE).to_string();
    let beside: Vec<_> = keys.iter().map(|key| (fresh(), opening(key))).collect();
    let command = |place: usize, in_full: bool| {
        let (seed, opening) = &beside[place];
        let arguments = look_up_arguments(&lease, seed, life, opening);
        script.command(in_full, &keys[place..=place], &arguments)
    };
    let mut commands = redis::pipe();
    for place in 0..keys.len() {
        commands.add_command(command(place, false));
    }
    let mut answers = link.run_all(&commands).await?;
    let no_script = |answer: &Value| match answer {
        Value::ServerError(error) => error.kind() == Some(ServerErrorKind::NoScript),
        _ => false,
    };
    let unknown: Vec<_> = (0..answers.len().min(keys.len()))
        .filter(|&place| no_script(&answers[place]))
        .collect();
    if !unknown.is_empty() {
        let mut commands = redis::pipe();
        for place in &unknown {
            commands.add_command(command(*place, true));
        }
        for (place, answer) in unknown.into_iter().zip(link.run_all(&commands).await?) {
            answers[place] = answer;
        }
    }
    let (answers, lives): (Vec<_>, Vec<_>) = answers.into_iter().map(|answer| alone(answer, life)).unzip();
    Ok(if life {
        let lives = lives.into_iter().map(|left| left.unwrap_or(Value::Int(0)));
        Value::Array(vec![Value::Array(answers), Value::Array(lives.collect())])
    } else {
        Value::Array(answers)
    })
}

/// What the look-up script is told beside the keys.
fn look_up_arguments<'a>(lease: &'a str, seed: &'a [u8], life: bool, opening: &'a str) -> Vec<&'a [u8]> {
    let life: &[u8] = if life { b"life" } else { b"" };
    vec![lease.as_bytes(), seed, life, opening.as_bytes()]
}

/// What the look-up script has answered for its only key, and the life left.
fn alone(answer: Value, life: bool) -> (Value, Option<Value>) {
    let first = |list: Value| match list {
        Value::Array(list) => list.into_iter().next().unwrap_or(Value::Nil),
        other => other,
    };
    match answer {
        Value::Array(mut both) if life => {
            let left = both.pop().map(first);
            (both.pop().map_or(Value::Nil, first), left)
        }
        answer => (first(answer), None),
    }
}

/// Several fills, in one round trip to each server that keeps some of the keys.
pub(in super::super) async fn fill_many(
    store: &Inner,
    cluster: &Arc<Cluster>,
    fills: &[Filling<'_>],
) -> Vec<Result<Filled, Error>> {
    let leases: Vec<_> = fills.iter().map(|fill| lease_of(fill.key)).collect();
    let lives: Vec<_> = fills.iter().map(|fill| life(fill.ttl)).collect();
    let runs = fills
        .iter()
        .zip(leases.iter().zip(&lives))
        .map(|(fill, (lease, life))| Run {
            keys: vec![fill.key, lease],
            arguments: vec![fill.token.as_bytes(), fill.bytes, life.as_bytes()],
        });
    let runs: Vec<_> = runs.collect();
    let answers = run_all(cluster, &store.scripts.fill, &runs, Asked::Follow).await;
    answers.into_iter().map(|answer| store.filled(answer)).collect()
}

/// Runs a script many times. A server that does not know it has done nothing, so it is asked again with the source.
async fn run_all(
    cluster: &Arc<Cluster>,
    script: &Script,
    runs: &[Run<'_>],
    asked: Asked,
) -> Vec<RedisResult<Value>> {
    let job = |run: &Run<'_>, in_full| Job {
        slot: run.keys.first().map_or(0, |key| slot_of(key)),
        command: script.command(in_full, &run.keys, &run.arguments),
    };
    let jobs: Vec<_> = runs.iter().map(|run| job(run, false)).collect();
    let mut answers = cluster.send(&jobs, asked).await;
    let unknown = answers.iter().enumerate();
    let unknown: Vec<_> = unknown
        .filter_map(|(place, answer)| is(answer, ServerErrorKind::NoScript).then_some(place))
        .collect();
    if !unknown.is_empty() {
        let jobs: Vec<_> = unknown.iter().map(|&place| job(&runs[place], true)).collect();
        for (place, answer) in unknown.into_iter().zip(cluster.send(&jobs, asked).await) {
            answers[place] = answer;
        }
    }
    answers
}

/// Removes `keys` with their leases. All are tried, also after one has failed.
pub(in super::super) async fn remove(cluster: &Arc<Cluster>, keys: &[String]) -> RedisResult<()> {
    let mut outcome = Ok(());
    for keys in keys.chunks(BATCH) {
        let jobs = keys
            .iter()
            .map(|key| unlink(slot_of(key), &[key, &lease_of(key)]));
        let jobs: Vec<_> = jobs.collect();
        let answers = cluster.send(&jobs, Asked::Follow).await;
        let mut apart = Vec::new();
        for (key, answer) in keys.iter().zip(answers) {
            if is(&answer, ServerErrorKind::TryAgain) {
                apart.push(key.as_str());
            } else if let Err(error) = answer {
                outcome = Err(error);
            }
        }
        if let Err(error) = remove_apart(cluster, &apart).await {
            outcome = Err(error);
        }
    }
    outcome
}

/// The same in two steps. Once the first has ended, every fill of an older load has either landed, and the second removes
/// it, or will be refused.
async fn remove_apart(cluster: &Arc<Cluster>, keys: &[&str]) -> RedisResult<()> {
    let leases: Vec<_> = keys.iter().map(|key| lease_of(key)).collect();
    let leases: Vec<_> = leases.iter().map(String::as_str).collect();
    unlink_each(cluster, &leases).await?;
    unlink_each(cluster, keys).await.map(|_| ())
}

/// Deletes `keys`, wherever they are by now, and says how many there were.
pub(super) async fn unlink_each(cluster: &Arc<Cluster>, keys: &[&str]) -> RedisResult<u64> {
    let jobs: Vec<_> = keys.iter().map(|key| unlink(slot_of(key), &[key])).collect();
    let mut removed = 0;
    for answer in cluster.send(&jobs, Asked::Follow).await {
        removed += redis::from_redis_value::<u64>(answer?)?;
    }
    Ok(removed)
}

/// The commands that remove `key` and its lease, in an order that is safe also where they do not come together.
pub(super) fn removal(key: &str) -> [Job; 2] {
    let slot = slot_of(key);
    [unlink(slot, &[&lease_of(key)]), unlink(slot, &[key])]
}

fn unlink(slot: u16, keys: &[&str]) -> Job {
    let command = cmd("UNLINK").arg(keys).take();
    Job { slot, command }
}

/// Answers if a server does that finds the cluster in order.
pub(in super::super) async fn ping(cluster: &Arc<Cluster>) -> RedisResult<()> {
    cluster.newest_map().await?;
    let mut worst = unanswered();
    // Those that are likely to answer come first, so as a rule the first does.
    for node in cluster.acquaintances() {
        let Some(link) = node.link() else { continue };
        let info = cmd("CLUSTER").arg("INFO").take();
        let answer = match tokio::time::timeout(GLANCE * 4, link.run(&info)).await {
            Ok(answer) => answer.and_then(|info| Ok(redis::from_redis_value::<String>(info)?)),
            Err(_) => Err((Kind::Io, "a server of the cluster does not answer").into()),
        };
        match answer {
            Ok(info) if info.lines().any(|line| line == "cluster_state:ok") => {
                link.forget_owing();
                return Ok(());
            }
            Ok(_) => worst = (Kind::Io, "the cluster is down").into(),
            Err(error) => worst = error,
        }
    }
    Err(worst)
}

fn is(answer: &RedisResult<Value>, kind: ServerErrorKind) -> bool {
    answer
        .as_ref()
        .is_err_and(|error| error.kind() == Kind::Server(kind))
}

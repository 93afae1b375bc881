//! The servers of a Redis Cluster: which of them keeps a key, and what to do when it is another one.
//!
//! Called by the verbs of the store. `slots` knows where a key lies, `map` reads who keeps it, `journey` carries commands
//! there, `verbs` and `sweep` are what a cluster does differently from one server. This file keeps the servers.
//!
//! Each server is the store of one server, with its own connection, lanes and queue of look-ups, so one that is down
//! holds up nobody who asks for a key of another. Who keeps what is asked of any of them that answers: before the first
//! command, after a redirection, and when a server cannot be reached, which is how a fail-over is noticed.
//!
//! The client library has a cluster connection too, behind a feature. It sends a command again when its answer is lost,
//! which this store must not (`link` says why), or does not follow redirections either; it drives all servers from one task,
//! two hand-overs more for every look-up; and it brings a logger, a CRC and random numbers along.

mod journey;
mod map;
mod node;
pub(super) mod slots;
mod sweep;
pub(super) mod verbs;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::{Client, ConnectionAddr, ErrorKind, RedisError, RedisResult, cmd};
use tokio::sync::watch;
use tokio::time::timeout;

use self::journey::Job;
use self::map::Address;
use self::node::{Node, cannot_serve};
pub(super) use self::sweep::remove_matching;
use super::address::at;
use super::link::{CLOSED, CONNECT};
use super::recent::{Mark, Recent};

/// How long a server is waited for that was asked who keeps what, before another one is.
const HINT: Duration = Duration::from_millis(200);
/// Between two such questions that nobody waits for.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Cluster {
    seeds: Vec<Client>,
    state: Mutex<State>,
    recent: Recent,
}

#[derive(Default)]
struct State {
    nodes: HashMap<Address, Arc<Node>>,
    map: Option<Arc<Map>>,
    /// Somebody is asking who keeps what.
    asking: Option<watch::Receiver<Outcome>>,
    asked: Option<Instant>,
    /// Who is likely to know better.
    hint: Option<Address>,
    closed: bool,
}

/// What asking has come to; `None` while it goes on.
type Outcome = Option<RedisResult<Arc<Map>>>;

/// Who keeps what, as far as is known.
#[derive(Clone)]
struct Map {
    primaries: Vec<Arc<Node>>,
    /// For each slot a place in the list.
    owners: Vec<u16>,
}

/// For a slot that nobody keeps.
const NOBODY: u16 = u16::MAX;

impl Cluster {
    pub(super) fn new(seeds: Vec<Client>) -> Arc<Self> {
        Arc::new(Self {
            seeds,
            state: Mutex::default(),
            recent: Recent::default(),
        })
    }

    /// Notes what is about to be removed or replaced, in case that it has to be removed again.
    pub(super) fn note<'a>(&self, keys: impl IntoIterator<Item = &'a str>) {
        self.recent.note(keys);
    }

    /// Makes sure that it is known who keeps what, or says why it is not.
    pub(super) async fn establish(self: &Arc<Self>) -> RedisResult<()> {
        let late = |_| RedisError::from((ErrorKind::Io, "no server of the cluster has answered yet"));
        timeout(CONNECT, self.map()).await.map_err(late)?.map(|_| ())
    }

    /// Lets all connections go for good.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.map = None;
        for node in state.nodes.drain().map(|(_, node)| node) {
            if let Some(link) = node.link() {
                link.close();
            }
        }
    }

    /// Whether some of the servers serve, as far as is known.
    pub(super) fn serves(&self) -> bool {
        let state = self.state();
        let mut primaries = state.map.iter().flat_map(|map| &map.primaries);
        primaries.any(|node| !node.is_failing())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of it is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who keeps what; asks where nobody has yet.
    async fn map(self: &Arc<Self>) -> RedisResult<Arc<Map>> {
        let map = {
            let state = self.state();
            if state.closed {
                return Err((ErrorKind::Client, CLOSED).into());
            }
            state.map.clone()
        };
        match map {
            Some(map) => Ok(map),
            None => self.newest_map().await,
        }
    }

    /// The same, asked anew; first the server to which a redirection has led.
    async fn map_after(self: &Arc<Self>, redirected: Address) -> RedisResult<Arc<Map>> {
        self.state().hint = Some(redirected);
        self.newest_map().await
    }

    /// The same, asked anew.
    async fn newest_map(self: &Arc<Self>) -> RedisResult<Arc<Map>> {
        // Twice, since the task that asks may end with its runtime while this caller lives in another.
        for _ in 0..2 {
            let mut outcome = self.ask();
            if let Ok(done) = outcome.wait_for(Option::is_some).await
                && let Some(result) = done.as_ref()
            {
                return result.clone();
            }
        }
        Err((ErrorKind::Io, "the runtime that was connecting has ended").into())
    }

    /// Has it asked anew, soon, for those who come later.
    fn refresh(self: &Arc<Self>) {
        let is_recent = self.state().asked.is_some_and(|asked| asked.elapsed() < PAUSE);
        if !is_recent {
            drop(self.ask());
        }
    }

    /// Begins to ask, in a task of its own that no caller's patience ends, or joins who does.
    fn ask(self: &Arc<Self>) -> watch::Receiver<Outcome> {
        let mut state = self.state();
        if let Some(outcome) = &state.asking
            && outcome.has_changed().is_ok()
            && outcome.borrow().is_none()
        {
            return outcome.clone();
        }
        let (report, outcome) = watch::channel(None);
        state.asking = Some(outcome.clone());
        state.asked = Some(Instant::now());
        drop(state);
        let cluster = Arc::clone(self);
        tokio::spawn(async move {
            let result = cluster.ask_around().await;
            for node in result.iter().flat_map(|map| &map.primaries) {
                node.probe();
            }
            report.send_replace(Some(result));
        });
        outcome
    }

    /// Asks one server after the other until one knows.
    async fn ask_around(self: &Arc<Self>) -> RedisResult<Arc<Map>> {
        let mut worst: Option<RedisError> = None;
        for node in self.acquaintances() {
            let Some(link) = node.link() else { continue };
            let slots = cmd("CLUSTER").arg("SLOTS").take();
            let answer = match timeout(HINT, link.run(&slots)).await {
                Ok(answer) => answer.and_then(|slots| map::read(slots, &node.address)),
                Err(_) => Err((ErrorKind::Io, "a server of the cluster does not answer").into()),
            };
            match answer {
                Ok(ranges) if ranges.is_empty() => {
                    worst = Some((ErrorKind::ClusterConnectionNotFound, "nobody keeps any slot").into());
                }
                Ok(ranges) => {
                    node.serves(true);
                    return self.learn(ranges).await;
                }
                Err(error) => {
                    node.serves(false);
                    // One that answers tells more than one that does not.
                    if worst.as_ref().is_none_or(RedisError::is_io_error) {
                        worst = Some(error);
                    }
                }
            }
        }
        Err(worst.unwrap_or_else(|| (ErrorKind::Client, CLOSED).into()))
    }

    /// All servers that can be asked, those first that are likely to answer.
    fn acquaintances(&self) -> Vec<Arc<Node>> {
        let mut state = self.state();
        if state.closed {
            return Vec::new();
        }
        let mut nodes: Vec<_> = state.map.iter().flat_map(|map| map.primaries.clone()).collect();
        // Not always the same, which may be behind the others.
        fastrand::shuffle(&mut nodes);
        for seed in &self.seeds {
            if let ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } =
                seed.get_connection_info().addr()
            {
                let (host, port) = (host.clone(), *port);
                nodes.extend(self.node(&mut state, &Address { host, port }));
            }
        }
        nodes.sort_by_key(|node| node.is_failing());
        if let Some(hint) = state.hint.take() {
            nodes.splice(0..0, self.node(&mut state, &hint));
        }
        nodes
    }

    /// The server at `address`, met now if not before.
    fn node(&self, state: &mut State, address: &Address) -> Option<Arc<Node>> {
        if state.closed {
            return None;
        }
        if let Some(node) = state.nodes.get(address) {
            return Some(Arc::clone(node));
        }
        let client = at(self.seeds.first()?, &address.host, address.port).ok()?;
        let node = Arc::new(Node::new(address.clone(), client));
        state.nodes.insert(address.clone(), Arc::clone(&node));
        Some(node)
    }

    /// Takes what a server says for true, once slots that others keep by now have heard of what was removed lately, and
    /// forgets servers that are in it no more.
    async fn learn(self: &Arc<Self>, ranges: Vec<map::Range>) -> RedisResult<Arc<Map>> {
        let closed = || RedisError::from((ErrorKind::Client, CLOSED));
        let (mut map, known) = {
            let mut state = self.state();
            let mut map = Map {
                primaries: Vec::new(),
                owners: vec![NOBODY; usize::from(slots::SLOTS)],
            };
            for range in ranges {
                let node = self.node(&mut state, &range.primary).ok_or_else(closed)?;
                let place = map.place(node);
                for slot in range.slots {
                    map.owners[usize::from(slot)] = place;
                }
            }
            (map, state.map.clone())
        };
        let Some(known) = known.filter(|known| !known.agrees_with(&map)) else {
            let map = Arc::new(map);
            self.publish(&map);
            return Ok(map);
        };
        let mut mark = Mark::default();
        loop {
            let (keys, end) = self.recent.since(mark);
            mark = end;
            remove_again(keys, &mut map, &known).await;
            let map = Arc::new(map.clone());
            // Whoever notes more from now on finds the new map.
            if self.recent.unless_more(mark, || self.publish(&map)) {
                return Ok(map);
            }
        }
    }

    fn publish(&self, map: &Arc<Map>) {
        let mut state = self.state();
        if !state.closed {
            state.map = Some(Arc::clone(map));
            let is_primary =
                |node: &Arc<Node>| map.primaries.iter().any(|primary| Arc::ptr_eq(primary, node));
            state.nodes.retain(|_, node| is_primary(node));
        }
    }

    /// The server at `address`, which need not keep anything.
    fn stranger(&self, address: &Address) -> Option<Arc<Node>> {
        let mut state = self.state();
        self.node(&mut state, address)
    }

    /// Notices what an answer says of a server.
    fn heed<T>(self: &Arc<Self>, node: &Node, answer: &RedisResult<T>) {
        let failing = answer.as_ref().is_err_and(cannot_serve);
        node.serves(!failing);
        if failing {
            self.refresh();
        }
    }
}

impl Map {
    fn owner(&self, slot: u16) -> Option<&Arc<Node>> {
        let place = *self.owners.get(usize::from(slot))?;
        self.primaries.get(usize::from(place))
    }

    fn keeps(&self, slot: u16, node: &Node) -> bool {
        self.owner(slot)
            .is_some_and(|owner| owner.address == node.address)
    }

    /// Whether everything that `other` knows somebody to keep is kept by the same here.
    fn agrees_with(&self, other: &Self) -> bool {
        (0..slots::SLOTS).all(|slot| other.owner(slot).is_none_or(|owner| self.keeps(slot, owner)))
    }

    fn place(&mut self, node: Arc<Node>) -> u16 {
        let known = self
            .primaries
            .iter()
            .position(|primary| Arc::ptr_eq(primary, &node));
        let place = known.unwrap_or_else(|| {
            self.primaries.push(node);
            self.primaries.len() - 1
        });
        u16::try_from(place).unwrap_or(NOBODY)
    }
}

/// Removes on those servers of `map` that have taken slots over what was removed lately on their predecessors. A slot whose
/// server cannot be told is nobody's until it can.
async fn remove_again(keys: Vec<String>, map: &mut Map, known: &Map) {
    let mut shares: Vec<(Arc<Node>, Vec<Job>)> = Vec::new();
    for key in keys {
        let slot = slots::slot_of(&key);
        let Some(owner) = map.owner(slot) else { continue };
        if known.keeps(slot, owner) {
            continue;
        }
        let jobs = verbs::removal(&key);
        match shares.iter_mut().find(|(node, _)| Arc::ptr_eq(node, owner)) {
            Some((_, share)) => share.extend(jobs),
            None => shares.push((Arc::clone(owner), jobs.into())),
        }
    }
    for (node, jobs) in shares {
        for slot in journey::refused(&node, &jobs).await {
            map.owners[usize::from(slot)] = NOBODY;
        }
    }
}

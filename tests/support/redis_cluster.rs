//! A Redis Cluster of a test's own.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::free_port;
use crate::redis_server::{RedisServer, RedisSetup};

const PATIENCE: Duration = Duration::from_secs(20);
const SLOTS: u32 = 16_384;

/// Three primaries, each with its share of the slots, and for some of them a replica. Dropping it ends all of them.
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
    ports: Vec<u16>,
}

/// Primaries of a cluster.
const PRIMARIES: usize = 3;

impl RedisCluster {
    /// Three primaries without replicas. Slots that nobody serves do not stop the others.
    pub async fn start() -> Self {
        Self::of(0, |_| RedisServer::setup()).await
    }

    /// The same where the first `replicas` primaries have a replica each, which is promoted about a second after its
    /// primary has gone. Replicas are the nodes from number 3 on.
    pub async fn with_replicas(replicas: usize) -> Self {
        Self::of(replicas, |_| RedisServer::setup()).await
    }

    /// The same with servers that are set up so, each told the first of them.
    pub async fn of(replicas: usize, setup: impl Fn(Option<&RedisServer>) -> RedisSetup) -> Self {
        let (mut nodes, mut ports) = (Vec::<RedisServer>::new(), Vec::new());
        for _ in 0..PRIMARIES + replicas {
            let (node, port) = start_node(setup(nodes.first())).await;
            nodes.push(node);
            ports.push(port);
        }
        let cluster = Self { nodes, ports };
        cluster.form().await;
        cluster
    }

    async fn form(&self) {
        for (n, node) in self.nodes.iter().enumerate() {
            let _: String = node
                .cli(&["CLUSTER", "SET-CONFIG-EPOCH", &(n + 1).to_string()])
                .await;
            if n < PRIMARIES {
                let [first, last] = [share(n), share(n + 1) - 1].map(|slot| slot.to_string());
                let _: String = node.cli(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await;
            }
        }
        for n in 1..self.nodes.len() {
            self.introduce(n).await;
        }
        let all = self.nodes.len();
        self.wait_for("the nodes know each other", async |node| {
            let info: String = node.cli(&["CLUSTER", "INFO"]).await;
            info.contains(&format!("cluster_known_nodes:{all}\r")) && info.contains("cluster_state:ok")
        })
        .await;
        for n in PRIMARIES..all {
            let primary = self.id(n - PRIMARIES).await;
            let _: String = self.nodes[n].cli(&["CLUSTER", "REPLICATE", &primary]).await;
        }
        self.wait_for("the replicas follow", async |node| {
            let info: String = node.cli(&["INFO", "replication"]).await;
            !info.contains("role:slave") || info.contains("master_link_status:up")
        })
        .await;
        self.wait_for("the nodes agree", async |node| {
            let nodes: String = node.cli(&["CLUSTER", "NODES"]).await;
            let replicas = nodes.lines().filter(|line| line.contains("slave")).count();
            replicas == all - PRIMARIES && !nodes.contains("handshake") && !nodes.contains("disconnected")
        })
        .await;
    }

    async fn introduce(&self, n: usize) {
        let [port, bus] = [self.nodes[n].port(), self.ports[n]].map(|port| port.to_string());
        let _: String = self.nodes[0]
            .cli(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])
            .await;
    }

    /// Adds a primary that keeps no slots, and returns its number.
    pub async fn add(&mut self) -> usize {
        let (node, port) = start_node(RedisServer::setup()).await;
        self.nodes.push(node);
        self.ports.push(port);
        let added = self.nodes.len() - 1;
        self.introduce(added).await;
        let id = self.id(added).await;
        let all = self.nodes.len();
        self.wait_for("the new node is known", async |node| {
            let nodes: String = node.cli(&["CLUSTER", "NODES"]).await;
            let info: String = node.cli(&["CLUSTER", "INFO"]).await;
            nodes.contains(&id)
                && nodes.lines().count() == all
                && !nodes.contains("handshake")
                && info.contains("cluster_state:ok")
        })
        .await;
        added
    }

    /// The URL of the cluster, which names all nodes that there were at the start.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()))
            .collect();
        let url = self.nodes[0].url();
        let (scheme, rest) = url.split_once("://").unwrap();
        let login = rest
            .rsplit_once('@')
            .map_or(String::new(), |(login, _)| format!("{login}@"));
        format!("{scheme}-cluster://{login}{}", hosts.join(","))
    }

    /// The node of this number: primaries from 0, replicas from 3 on.
    pub fn node(&self, n: usize) -> &RedisServer {
        &self.nodes[n]
    }

    /// The same to stop and start it.
    pub fn node_mut(&mut self, n: usize) -> &mut RedisServer {
        &mut self.nodes[n]
    }

    /// All of them that are there.
    pub fn nodes(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes.iter().filter(|node| node.is_running())
    }

    /// The primary that `key` was given to at the start.
    pub async fn primary_of(&self, key: &str) -> usize {
        let slot = self.slot_of(key).await;
        (0..PRIMARIES).find(|n| slot < share(n + 1)).unwrap()
    }

    /// The slot of `key`, told by a server.
    pub async fn slot_of(&self, key: &str) -> u32 {
        let node = self.nodes().next().unwrap();
        node.cli(&["CLUSTER", "KEYSLOT", key]).await
    }

    /// A key with this prefix that was given to the primary `n` at the start.
    pub async fn key_on(&self, n: usize, prefix: &str) -> String {
        for number in 0.. {
            let key = format!("{prefix}{number}");
            if self.primary_of(&key).await == n {
                return key;
            }
        }
        unreachable!()
    }

    /// Keys on all primaries.
    pub async fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for node in self.nodes() {
            let role: redis::Value = node.cli(&["ROLE"]).await;
            if format!("{role:?}").contains("master") {
                keys.extend(node.cli::<Vec<String>>(&["KEYS", "*"]).await);
            }
        }
        keys.sort();
        keys
    }

    /// Begins to move a slot: what is there stays until it is moved key by key.
    pub async fn open_slot(&self, slot: u32, from: usize, to: usize) {
        let (slot, source, target) = (slot.to_string(), self.id(from).await, self.id(to).await);
        let _: String = self.nodes[to]
            .cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source])
            .await;
        let _: String = self.nodes[from]
            .cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target])
            .await;
    }

    /// Moves every key of a slot that is being moved, as `redis-cli` does: a key that is there already is an error.
    pub async fn move_keys(&self, slot: u32, from: usize, to: usize) {
        let port = self.nodes[to].port().to_string();
        loop {
            let keys: Vec<String> = self.nodes[from]
                .cli(&["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), "100"])
                .await;
            if keys.is_empty() {
                return;
            }
            let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            migrate.extend(keys.iter().map(String::as_str));
            let _: String = self.nodes[from].cli(&migrate).await;
        }
    }

    /// Ends the move of a slot whose keys have been moved.
    pub async fn close_slot(&self, slot: u32, from: usize, to: usize) {
        let (slot, target) = (slot.to_string(), self.id(to).await);
        for n in [to, from] {
            let _: String = self.nodes[n]
                .cli(&["CLUSTER", "SETSLOT", &slot, "NODE", &target])
                .await;
        }
    }

    /// Waits until the node is a primary and the others know it.
    pub async fn wait_for_promotion(&self, n: usize) {
        let id = self.id(n).await;
        self.wait_for("the replica is promoted", async |node| {
            let nodes: String = node.cli(&["CLUSTER", "NODES"]).await;
            nodes
                .lines()
                .any(|line| line.starts_with(&id) && line.contains("master"))
        })
        .await;
    }

    async fn id(&self, n: usize) -> String {
        self.nodes[n].cli(&["CLUSTER", "MYID"]).await
    }

    async fn wait_for(&self, what: &str, holds: impl AsyncFn(&RedisServer) -> bool) {
        let begun = Instant::now();
        for node in self.nodes() {
            while !holds(node).await {
                let log = || node.log();
                assert!(
                    begun.elapsed() < PATIENCE,
                    "waited in vain until {what}:\n{}",
                    log()
                );
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Where the share of the primary `n` begins.
fn share(n: usize) -> u32 {
    SLOTS * u32::try_from(n).unwrap() / u32::try_from(PRIMARIES).unwrap()
}

/// A server that may become part of a cluster, and the port by which its neighbours reach it.
async fn start_node(setup: RedisSetup) -> (RedisServer, u16) {
    let port = free_port();
    let node = setup
        .option("cluster-enabled yes")
        .option(&format!("cluster-port {port}"))
        .option("cluster-node-timeout 1000")
        .option("cluster-replica-validity-factor 0")
        .option("cluster-require-full-coverage no")
        .option("repl-diskless-sync-delay 0")
        .start()
        .await;
    (node, port)
}

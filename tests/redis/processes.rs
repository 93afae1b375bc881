//! Several processes on one Redis: a load that began before an invalidation in another process never leaves its value
//! there.

use std::process::Stdio;
use std::time::Duration;

use cached_tests::RedisServer;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(120);

/// A process of the program in `bin/node`, killed with its handle.
struct Node {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Node {
    fn start(server: &RedisServer) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_node"))
            .env("REDIS_URL", server.url())
            .env("CACHE_NAMESPACE", "shop")
            .env_remove("CACHE_BACKEND")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self {
            process,
            input,
            output,
        }
    }

    async fn say(&mut self, line: &str) {
        self.input
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
    }

    async fn hear(&mut self) -> String {
        timeout(PATIENCE, self.output.next_line())
            .await
            .unwrap()
            .unwrap()
            .expect("the process has ended")
    }

    async fn ask(&mut self, line: &str) -> String {
        self.say(line).await;
        self.hear().await
    }
}

async fn two(server: &RedisServer) -> (Node, Node) {
    let (mut a, mut b) = (Node::start(server), Node::start(server));
    assert_eq!(a.ask("source 1").await, "ok");
    assert_eq!(b.ask("source 1").await, "ok");
    (a, b)
}

#[tokio::test]
async fn a_load_older_than_an_invalidation_elsewhere_is_not_stored() {
    for way in ["set", "set-all", "set-matching", "set-by-key", "set-and-clear"] {
        let server = RedisServer::start().await;
        let (mut a, mut b) = two(&server).await;
        assert_eq!(a.ask("begin").await, "running");
        assert_eq!(b.ask(&format!("{way} 2")).await, "ok");
        assert_eq!(a.ask("finish").await, "1", "{way}");
        assert_eq!(server.cli::<u64>(&["EXISTS", "shop:price:1"]).await, 0, "{way}");
        assert_eq!(a.ask("refused").await, "1", "{way}");
        assert_eq!(b.ask("peek").await, "None", "{way}");
        assert_eq!(b.ask("call").await, "2", "{way}");
        assert_eq!(a.ask("call").await, "2", "{way}");
        assert_eq!(a.ask("loads").await, "1", "{way}");
    }
}

#[tokio::test]
async fn nor_does_it_replace_what_was_loaded_or_put_since() {
    for after in ["call", "insert 2"] {
        let server = RedisServer::start().await;
        let (mut a, mut b) = two(&server).await;
        assert_eq!(a.ask("begin").await, "running");
        assert_eq!(b.ask("set 2").await, "ok");
        b.ask(after).await;
        assert_eq!(a.ask("finish").await, "1");
        for node in [&mut a, &mut b] {
            assert_eq!(node.ask("peek").await, "Some(2)", "after {after}");
        }
    }
}

#[tokio::test]
async fn a_put_elsewhere_is_not_replaced_by_an_older_load() {
    let server = RedisServer::start().await;
    let (mut a, mut b) = two(&server).await;
    assert_eq!(a.ask("begin").await, "running");
    assert_eq!(b.ask("insert 2").await, "ok");
    assert_eq!(a.ask("finish").await, "1");
    assert_eq!(a.ask("peek").await, "Some(2)");
}

#[tokio::test]
async fn two_loads_in_two_processes_are_both_revoked() {
    let server = RedisServer::start().await;
    let (mut a, mut b) = two(&server).await;
    assert_eq!(a.ask("begin").await, "running");
    assert_eq!(b.ask("begin").await, "running");
    let mut c = Node::start(&server);
    assert_eq!(c.ask("set 2").await, "ok");
    assert_eq!(a.ask("finish").await, "1");
    assert_eq!(b.ask("finish").await, "1");
    assert_eq!(c.ask("peek").await, "None");
    assert_eq!(c.ask("call").await, "2");
    assert_eq!(a.ask("call").await, "2");
}

#[tokio::test]
async fn the_chain_with_memory_leaves_nothing_old_in_redis_either() {
    let server = RedisServer::start().await;
    let (mut a, mut b) = two(&server).await;
    assert_eq!(a.ask("begin-near").await, "running");
    assert_eq!(b.ask("set 2").await, "ok");
    assert_eq!(a.ask("finish").await, "1");
    assert_eq!(server.cli::<u64>(&["EXISTS", "shop:near:1"]).await, 0);
    assert_eq!(b.ask("call-near").await, "2");
    let mut c = Node::start(&server);
    assert_eq!(c.ask("call-near").await, "2");
    assert_eq!(c.ask("loads").await, "0");
}

#[tokio::test]
async fn a_process_killed_in_its_load_holds_nobody_up() {
    let server = RedisServer::start().await;
    let (mut a, mut b) = two(&server).await;
    assert_eq!(a.ask("begin").await, "running");
    a.process.kill().await.unwrap();
    assert_eq!(timeout(Duration::from_secs(2), b.ask("call")).await.unwrap(), "1");
    assert_eq!(b.ask("peek").await, "Some(1)");
}

/// `name 12` of what a process says of its race.
fn count(said: &str, name: &str) -> u64 {
    let mut words = said.split(' ');
    words
        .find(|word| *word == name)
        .and_then(|_| words.next())
        .unwrap_or_else(|| panic!("no {name} in {said}"))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn under_random_load_no_probe_finds_an_old_value_in_redis() {
    const PROCESSES: u64 = 3;
    let (server, truth) = (RedisServer::unix().await, RedisServer::unix().await);
    let seed = std::env::var("CACHED_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    let rounds = std::env::var("CACHED_ROUNDS").map_or(500, |rounds| rounds.parse().unwrap());
    println!("CACHED_SEED={seed}");
    let mut nodes: Vec<_> = (0..PROCESSES).map(|_| Node::start(&server)).collect();
    for (node, at) in nodes.iter_mut().zip(0..) {
        let seed = seed.wrapping_add(at * 1_000);
        node.say(&format!("race {} {seed} {rounds}", truth.url())).await;
    }
    let mut all = [0; 5];
    for node in &mut nodes {
        let said = node.hear().await;
        println!("{said}");
        for (sum, name) in all
            .iter_mut()
            .zip(["probes", "stale", "own", "own_stale", "refused"])
        {
            *sum += count(&said, name);
        }
    }
    let [probes, stale, own, own_stale, refused] = all;
    assert_eq!((stale, own_stale), (0, 0), "of {probes} and {own} probes");
    // Else nothing raced and the test has shown nothing.
    assert!(probes > 500 && own > 500 && refused > 50, "{all:?}");
}

//! A process of a program with cached functions on a shared Redis, driven by a test: a command a line on stdin, each
//! answered by a line on stdout. `REDIS_URL` and `CACHE_NAMESPACE` say where the entries are.

#[path = "../log.rs"]
mod log;
mod race;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{Caches, cache, invalidate};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};
use tokio::sync::{Notify, watch};

/// What this process takes for the truth, and a gate in front of its answer.
struct Source {
    value: AtomicU64,
    loads: AtomicU64,
    held: watch::Sender<bool>,
    running: Notify,
}

impl Source {
    async fn load(&self) -> u64 {
        self.loads.fetch_add(1, SeqCst);
        let value = self.value.load(SeqCst);
        self.running.notify_one();
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        value
    }
}

#[cache(key = "price:{_id}", ttl = "1h", backend = "redis", skip(source))]
async fn price(source: &Source, _id: u64) -> u64 {
    source.load().await
}

#[cache(key = "near:{_id}", ttl = "1h", backend = ["local", "redis"], skip(source))]
async fn near(source: &Source, _id: u64) -> u64 {
    source.load().await
}

#[invalidate(price(id), near(id))]
async fn set_price(source: &Source, id: u64, value: u64) {
    let _ = id;
    source.value.store(value, SeqCst);
}

#[invalidate(price(..), near(..))]
async fn set_all(source: &Source, value: u64) {
    source.value.store(value, SeqCst);
}

#[invalidate(pattern = "*:{id}")]
async fn set_matching(source: &Source, id: u64, value: u64) {
    let _ = id;
    source.value.store(value, SeqCst);
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    log::start();
    Caches::from_env().await.unwrap().install().unwrap();
    let source = Arc::new(Source {
        value: AtomicU64::new(0),
        loads: AtomicU64::new(0),
        held: watch::Sender::new(false),
        running: Notify::new(),
    });
    let mut begun = None;
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        let answer = match words[0] {
            "source" => {
                source.value.store(number(1), SeqCst);
                "ok".to_owned()
            }
            // A load that stays in its body until `finish`.
            "begin" | "begin-near" => {
                source.held.send_replace(true);
                let (source, near_too) = (Arc::clone(&source), words[0] == "begin-near");
                let running = Arc::clone(&source);
                begun = Some(tokio::spawn(async move {
                    if near_too {
                        near(&source, 1).await
                    } else {
                        price(&source, 1).await
                    }
                }));
                running.running.notified().await;
                "running".to_owned()
            }
            "finish" => {
                source.held.send_replace(false);
                let value = begun.take().unwrap().await.unwrap();
                Caches::current().settle().await;
                value.to_string()
            }
            "call" => price(&source, 1).await.to_string(),
            "call-near" => near(&source, 1).await.to_string(),
            "peek" => format!("{:?}", price_entry(1).get().await.unwrap()),
            "insert" => said(price_entry(1).insert(number(1)).await),
            "set" => {
                set_price(&source, 1, number(1)).await;
                "ok".to_owned()
            }
            "set-all" => {
                set_all(&source, number(1)).await;
                "ok".to_owned()
            }
            "set-matching" => {
                set_matching(&source, 1, number(1)).await;
                "ok".to_owned()
            }
            "set-by-key" => {
                source.value.store(number(1), SeqCst);
                said(Caches::current().invalidate_key("price:1").await)
            }
            "set-and-clear" => {
                source.value.store(number(1), SeqCst);
                said(Caches::current().clear().await)
            }
            "loads" => source.loads.load(SeqCst).to_string(),
            "refused" => price_cache().stats().tiers[0].refused.to_string(),
            "race" => race::run(words[1], number(2), number(3)).await,
            other => format!("unknown command {other}"),
        };
        println!("{answer}");
        std::io::stdout().flush().unwrap();
    }
}

fn said(outcome: Result<(), cached_runtime::Error>) -> String {
    outcome.map_or_else(|error| format!("{error:?}"), |()| "ok".to_owned())
}

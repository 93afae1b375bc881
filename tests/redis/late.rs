//! What was sent to Redis and given up, and is carried out all the same: it must not undo the removal that came after.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::stores::Redis;
use cached_runtime::{Caches, cache};
use cached_tests::RedisServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::setup::{Gate, Source, builder, on};

const BUDGET: Duration = Duration::from_millis(250);

#[cache(key = "blob:{_id}", ttl = "1h", backend = "redis", skip(source))]
async fn blob(source: &Source, _id: u64) -> Vec<u8> {
    vec![u8::try_from(source.load()).unwrap(); 10]
}

#[cache(key = "big:{_id}", ttl = "1h", backend = "redis", skip(gate))]
async fn big(gate: &Gate, _id: u64) -> Vec<u8> {
    vec![1; usize::try_from(gate.load().await).unwrap()]
}

/// What was sent before a pause is carried out after it, as far as it had found room on the way. The longer silence is
/// one after which the connection is given up.
const LATE: [(usize, u64); 3] = [(100, 50), (50_000, 1_500), (2_000_000, 1_500)];

#[tokio::test]
async fn a_put_that_was_given_up_does_not_arrive_after_its_removal() {
    for (size, silence) in LATE {
        let server = RedisServer::start().await;
        let source = Source::of(1);
        let caches = builder(&server).await.time_budget(BUDGET).build().unwrap();
        caches.scope(blob(&source, 1)).await;
        let entry = caches.scope(async { blob_entry(1) }).await;
        // So that the server knows the script.
        entry.insert(vec![4; 10]).await.unwrap();
        server.pause();
        entry.insert(vec![5; size]).await.unwrap_err();
        sleep(Duration::from_millis(silence)).await;
        source.set(2);
        entry.invalidate().await.unwrap();
        server.resume();
        timeout(Duration::from_secs(5), caches.settle()).await.unwrap();
        sleep(Duration::from_millis(300)).await;
        let length: usize = server.cli(&["STRLEN", "shop:blob:1"]).await;
        assert_eq!(length, 0, "{size} bytes after a silence of {silence} ms");
    }
}

#[tokio::test]
async fn a_fill_that_was_given_up_does_not_arrive_after_an_invalidation() {
    for (size, silence) in LATE {
        let server = RedisServer::start().await;
        let gate = Gate::of(size as u64);
        let caches = builder(&server).await.time_budget(BUDGET).build().unwrap();
        let load = caches.scope(big(&gate, 1));
        let invalidate = async {
            gate.begun().await;
            server.pause();
            gate.open();
            sleep(BUDGET + Duration::from_millis(silence)).await;
            caches
                .scope(async { big_entry(1).invalidate().await })
                .await
                .unwrap();
            server.resume();
            timeout(Duration::from_secs(5), caches.settle()).await.unwrap();
            sleep(Duration::from_millis(300)).await;
        };
        tokio::join!(load, invalidate);
        let length: usize = server.cli(&["STRLEN", "shop:big:1"]).await;
        assert_eq!(length, 0, "{size} bytes after a silence of {silence} ms");
    }
}

/// Packets of an abandoned connection may arrive after those of the one that has replaced it.
#[tokio::test]
async fn a_fill_that_travels_longer_than_the_removal_behind_it_is_not_stored() {
    let scene = Late::new().await;
    let load = scene.caches.scope(big(&scene.gate, 1));
    let hold = async {
        scene.gate.begun().await;
        scene.detour.hold();
        scene.gate.open();
    };
    tokio::join!(load, hold);
    scene.expect_removed().await;
}

#[tokio::test]
async fn a_put_that_travels_longer_than_the_removal_behind_it_is_not_stored() {
    let scene = Late::new().await;
    scene.detour.hold();
    // The put is the failure that opens the breaker, so that nothing follows it on its way.
    for id in [4, 3, 1] {
        assert!(!scene.caches.stats().stores[0].down);
        let entry = scene.caches.scope(async { big_entry(id) }).await;
        entry.insert(vec![5; 10]).await.unwrap_err();
    }
    assert!(scene.caches.stats().stores[0].down);
    scene.expect_removed().await;
}

struct Late {
    server: RedisServer,
    detour: Detour,
    caches: Caches,
    gate: Gate,
}

impl Late {
    async fn new() -> Self {
        let server = RedisServer::start().await;
        let detour = Detour::to(server.port()).await;
        let url = format!("redis://127.0.0.1:{}", detour.port);
        let redis = Redis::connect(url).await.unwrap();
        let caches = on(redis).time_budget(BUDGET).build().unwrap();
        let gate = Gate::of(10);
        // So that the server knows the scripts.
        gate.open();
        caches.scope(big(&gate, 2)).await;
        gate.begun().await;
        let entry = caches.scope(async { big_entry(2) }).await;
        entry.insert(vec![4; 10]).await.unwrap();
        Self {
            server,
            detour,
            caches,
            gate,
        }
    }

    async fn expect_removed(&self) {
        // Until the store has dialled again: a second connection, which goes straight.
        sleep(Duration::from_millis(1_200)).await;
        let entry = self.caches.scope(async { big_entry(1) }).await;
        entry.invalidate().await.unwrap();
        timeout(Duration::from_secs(5), self.caches.settle())
            .await
            .unwrap();
        assert!(!self.caches.stats().stores[0].pending_removals);
        self.detour.let_go().await;
        assert_eq!(self.server.cli::<u64>(&["EXISTS", "shop:big:1"]).await, 0);
    }
}

/// A proxy whose first connection can be held up; what it holds arrives whole although its sender has gone.
struct Detour {
    port: u16,
    held: Arc<watch::Sender<bool>>,
    arrived: Arc<Notify>,
}

impl Detour {
    async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let detour = Self {
            port: listener.local_addr().unwrap().port(),
            held: Arc::new(watch::Sender::new(false)),
            arrived: Arc::new(Notify::new()),
        };
        let (held, arrived) = (Arc::clone(&detour.held), Arc::clone(&detour.arrived));
        tokio::spawn(async move {
            let (first, _) = listener.accept().await.unwrap();
            tokio::spawn(Self::carry_first(first, server, held, arrived));
            while let Ok((mut next, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                    let _ = copy_bidirectional(&mut next, &mut server).await;
                });
            }
        });
        detour
    }

    async fn carry_first(
        client: TcpStream,
        server: u16,
        held: Arc<watch::Sender<bool>>,
        arrived: Arc<Notify>,
    ) {
        let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::spawn(async move {
            // Goes on reading when nobody hears the answers any more.
            let mut piece = vec![0; 4096];
            while let Ok(length @ 1..) = from_server.read(&mut piece).await {
                let _ = to_client.write_all(&piece[..length]).await;
            }
            arrived.notify_one();
        });
        let mut piece = vec![0; 4096];
        while let Ok(length @ 1..) = from_client.read(&mut piece).await {
            let _ = held.subscribe().wait_for(|held| !held).await;
            to_server.write_all(&piece[..length]).await.unwrap();
        }
        let _ = to_server.shutdown().await;
    }

    fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Returns once the server has seen all of it.
    async fn let_go(&self) {
        self.held.send_replace(false);
        self.arrived.notified().await;
    }
}

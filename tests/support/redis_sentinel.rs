//! A Redis master with a replica, watched by sentinels, of a test's own.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::redis_server::{RedisServer, RedisSetup};

const PATIENCE: Duration = Duration::from_secs(20);

/// The name by which the sentinels know the master.
const NAME: &str = "shop";

/// Two servers and three sentinels, of which two have to agree. A master that has been away for half a second is
/// replaced by its replica. Dropping it ends all of them.
pub struct RedisSentinel {
    servers: [RedisServer; 2],
    sentinels: Vec<RedisServer>,
}

impl RedisSentinel {
    /// Without passwords.
    pub async fn start() -> Self {
        Self::of(None).await
    }

    /// With a user and a password for the servers, and another password for the sentinels.
    pub async fn with_passwords() -> Self {
        Self::of(Some(("keeper", "s3cret", "0ther"))).await
    }

    async fn of(login: Option<(&str, &str, &str)>) -> Self {
        let server = || {
            let setup = RedisServer::setup().option("repl-diskless-sync-delay 0");
            match login {
                None => setup,
                Some((user, password, _)) => setup
                    .password(user, password)
                    .option(&format!("masteruser {user}"))
                    .option(&format!("masterauth {password}")),
            }
        };
        let master = server().start().await;
        let replica = server()
            .option(&format!("replicaof 127.0.0.1 {}", master.port()))
            .start()
            .await;
        wait_for("the replica follows", async || {
            let info: String = replica.cli(&["INFO", "replication"]).await;
            info.contains("master_link_status:up")
        })
        .await;
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            sentinels.push(sentinel(master.port(), login).start().await);
        }
        let sentinels = Self {
            servers: [master, replica],
            sentinels,
        };
        sentinels.wait_until_watched().await;
        sentinels
    }

    async fn wait_until_watched(&self) {
        for sentinel in &self.sentinels {
            wait_for("the sentinels know each other and the replica", async || {
                let known: Vec<String> = sentinel.cli(&["SENTINEL", "MASTER", NAME]).await;
                let has = |field: &str, value: &str| known.chunks(2).any(|pair| pair == [field, value]);
                has("num-other-sentinels", "2") && has("num-slaves", "1") && has("flags", "master")
            })
            .await;
        }
    }

    /// The URL of the master by way of its sentinels.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self
            .sentinels
            .iter()
            .map(|sentinel| format!("127.0.0.1:{}", sentinel.port()))
            .collect();
        let login = |url: String| {
            let rest = url.split_once("://").map(|(_, rest)| rest.to_owned());
            rest.and_then(|rest| rest.rsplit_once('@').map(|(login, _)| login.to_owned()))
        };
        let before = login(self.servers[0].url()).map_or(String::new(), |login| format!("{login}@"));
        let after = login(self.sentinels[0].url()).map_or(String::new(), |login| {
            let (user, password) = login.split_once(':').unwrap();
            format!("?sentinel_username={user}&sentinel_password={password}")
        });
        format!("redis-sentinel://{before}{}/{NAME}/0{after}", hosts.join(","))
    }

    /// The server that was the master at the start, or the other one.
    pub fn server(&self, n: usize) -> &RedisServer {
        &self.servers[n]
    }

    /// The same to stop and start it.
    pub fn server_mut(&mut self, n: usize) -> &mut RedisServer {
        &mut self.servers[n]
    }

    /// One of the three sentinels.
    pub fn sentinel_mut(&mut self, n: usize) -> &mut RedisServer {
        &mut self.sentinels[n]
    }

    /// Has the sentinels put the replica in the master's place, though nothing is wrong with that.
    pub async fn fail_over(&self) {
        let _: String = self.sentinels[0].cli(&["SENTINEL", "FAILOVER", NAME]).await;
    }

    /// Has all sentinels name this server as the master from now on, whatever they knew.
    pub async fn name_master(&self, n: usize) {
        let port = self.servers[n].port().to_string();
        for sentinel in &self.sentinels {
            let _: String = sentinel.cli(&["SENTINEL", "REMOVE", NAME]).await;
            let _: String = sentinel
                .cli(&["SENTINEL", "MONITOR", NAME, "127.0.0.1", &port, "2"])
                .await;
        }
    }

    /// Waits until the sentinels name this server as the master, and it is one.
    pub async fn wait_for_master(&self, n: usize) {
        let port = self.servers[n].port().to_string();
        for sentinel in self.sentinels.iter().filter(|sentinel| sentinel.is_running()) {
            wait_for("the sentinels name the new master", async || {
                let named: Vec<String> = sentinel.cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).await;
                named[1] == port
            })
            .await;
        }
        wait_for("the new master is one", async || self.is(n, "master").await).await;
    }

    /// Waits until the server has been told that it is a replica.
    pub async fn wait_for_replica(&self, n: usize) {
        wait_for("the old master follows", async || self.is(n, "slave").await).await;
    }

    /// Whether the server says that this is its role. One that is changing it may not answer.
    pub async fn is(&self, n: usize, role: &str) -> bool {
        let info: redis::RedisResult<String> = self.servers[n].try_cli(&["INFO", "replication"]).await;
        info.is_ok_and(|info| info.contains(&format!("role:{role}")))
    }
}

fn sentinel(master: u16, login: Option<(&str, &str, &str)>) -> RedisSetup {
    let mut setup = RedisServer::setup()
        .sentinel()
        .option(&format!("sentinel monitor {NAME} 127.0.0.1 {master} 2"))
        .option(&format!("sentinel down-after-milliseconds {NAME} 500"))
        .option(&format!("sentinel failover-timeout {NAME} 2000"));
    if let Some((user, password, others)) = login {
        setup = setup
            .password("watch", others)
            .option("sentinel sentinel-user watch")
            .option(&format!("sentinel sentinel-pass {others}"))
            .option(&format!("sentinel auth-user {NAME} {user}"))
            .option(&format!("sentinel auth-pass {NAME} {password}"));
    }
    setup
}

async fn wait_for(what: &str, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

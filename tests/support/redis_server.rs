//! A Redis server of a test's own.

use std::time::{Duration, Instant};

use redis::FromRedisValue;
use tokio::time::sleep;

use crate::certificates::certificates;
use crate::process::Process;
use crate::{Folder, free_port};

const CURE: &str = "run ./scripts/test, or apt-get install redis-server";
const PATIENCE: Duration = Duration::from_secs(10);

/// A running `redis-server`. Dropping it kills the server and removes its data.
pub struct RedisServer {
    setup: RedisSetup,
    process: Option<Process>,
}

/// How a server is started; [`RedisServer::setup`] begins one.
pub struct RedisSetup {
    folder: Folder,
    address: Address,
    login: Option<(String, String)>,
    root_certificate: Option<Vec<u8>>,
    options: Vec<String>,
    sentinel: bool,
}

enum Address {
    Tcp(u16),
    Tls(u16),
    Unix(String),
}

impl RedisServer {
    /// A server on a free port, without a password, keeping nothing on disk.
    pub async fn start() -> Self {
        Self::setup().start().await
    }

    /// A server on a socket file.
    pub async fn unix() -> Self {
        Self::setup().unix().start().await
    }

    /// A server that asks for a user's name and password.
    pub async fn with_password(user: &str, password: &str) -> Self {
        Self::setup().password(user, password).start().await
    }

    /// A server that speaks TLS only, with a certificate of [`root_certificate`](Self::root_certificate).
    pub async fn tls() -> Self {
        Self::setup().tls().start().await
    }

    /// A server to be described first.
    pub fn setup() -> RedisSetup {
        RedisSetup {
            folder: Folder::new(),
            address: Address::Tcp(free_port()),
            login: None,
            root_certificate: None,
            options: Vec::new(),
            sentinel: false,
        }
    }

    /// Its URL, credentials included.
    pub fn url(&self) -> String {
        self.setup.url()
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        match self.setup.address {
            Address::Tcp(port) | Address::Tls(port) => port,
            Address::Unix(_) => panic!("a server on a socket file has no port"),
        }
    }

    /// The authority, as PEM, that signed the certificate of a server that speaks TLS.
    pub fn root_certificate(&self) -> Vec<u8> {
        self.setup
            .root_certificate
            .clone()
            .unwrap_or_else(|| panic!("this server does not speak TLS"))
    }

    /// Kills the server, as a crash would. It forgets everything.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Whether it keeps this key, and does not say that another server of its cluster does.
    pub async fn has(&self, key: &str) -> bool {
        self.try_cli(&["EXISTS", key])
            .await
            .is_ok_and(|count: i64| count == 1)
    }

    /// Waits until `replica` has everything that this server has by now. `WAIT` would ask for its own connection alone.
    pub async fn wait_for_copy(&self, replica: &Self) {
        let offset = async |server: &Self, name: &str| -> u64 {
            let info: String = server.cli(&["INFO", "replication"]).await;
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|offset| offset.parse().ok()).unwrap_or(0)
        };
        let there = offset(self, "master_repl_offset:").await;
        let begun = Instant::now();
        while offset(replica, "slave_repl_offset:").await < there {
            assert!(begun.elapsed() < PATIENCE, "the replica does not follow");
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// What it has written down, to be shown where a test fails.
    pub(crate) fn log(&self) -> String {
        self.setup.log()
    }

    /// Whether it has not been stopped.
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Starts it on the same address, and waits until it serves.
    pub async fn start_again(&mut self) {
        self.start_again_unready();
        self.wait_until_ready().await;
    }

    /// Starts it on the same address without waiting.
    pub fn start_again_unready(&mut self) {
        self.stop();
        let mut arguments = vec![self.setup.configure()];
        if self.setup.sentinel {
            arguments.push("--sentinel".to_owned());
        }
        self.process = Some(Process::start("redis-server", &arguments, CURE));
    }

    /// Stops the process from running, so that it accepts connections and answers nothing.
    pub fn pause(&self) {
        self.running().signal("STOP");
        self.running().wait_until_still();
    }

    /// Undoes [`pause`](Self::pause).
    pub fn resume(&self) {
        self.running().signal("CONT");
    }

    /// Runs one command on a connection of its own: `server.cli::<i64>(&["DBSIZE"]).await`.
    pub async fn cli<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_cli(words)
            .await
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    pub(crate) async fn try_cli<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let client = match &self.setup.root_certificate {
            None => redis::Client::open(self.url())?,
            Some(root) => {
                let root_cert = Some(root.clone());
                redis::Client::build_with_tls(
                    self.url(),
                    redis::TlsCertificates {
                        client_tls: None,
                        root_cert,
                    },
                )?
            }
        };
        // A busy machine takes longer than a client waits by itself.
        let patient = redis::AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&patient)
            .await?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut connection).await
    }

    async fn wait_until_ready(&mut self) {
        let begun = Instant::now();
        loop {
            let error = match self.try_cli::<String>(&["PING"]).await {
                Ok(_) => return,
                Err(error) => error,
            };
            let ended = self.process.as_mut().is_none_or(Process::has_ended);
            assert!(!ended, "redis-server ended at once:\n{}", self.setup.log());
            assert!(
                begun.elapsed() < PATIENCE,
                "redis-server does not answer: {error}"
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn running(&self) -> &Process {
        self.process
            .as_ref()
            .unwrap_or_else(|| panic!("the server has been stopped"))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Before the folder goes.
        self.stop();
    }
}

impl RedisSetup {
    /// On a socket file in place of a port.
    #[must_use]
    pub fn unix(mut self) -> Self {
        self.address = Address::Unix(self.folder.file("redis.sock"));
        self
    }

    /// Asking for this user and password; nobody else may do anything.
    #[must_use]
    pub fn password(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Speaking TLS only.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.root_certificate = Some(certificates(&self.folder));
        self.address = Address::Tls(free_port());
        self
    }

    /// Speaking TLS only, to its neighbours in a cluster too, with the certificate of `other` or else a new one.
    #[must_use]
    pub fn tls_in_cluster(self, other: Option<&RedisServer>) -> Self {
        let Some(other) = other else {
            return self.tls().option("tls-cluster yes");
        };
        for file in ["root.pem", "server.pem", "server.key"] {
            std::fs::copy(other.setup.folder.file(file), self.folder.file(file)).unwrap();
        }
        let root_certificate = other.setup.root_certificate.clone();
        Self {
            root_certificate,
            address: Address::Tls(free_port()),
            ..self
        }
        .option("tls-cluster yes")
    }

    /// As a sentinel, which watches over other servers.
    #[must_use]
    pub fn sentinel(mut self) -> Self {
        self.sentinel = true;
        self
    }

    /// With a line of the server's configuration: `.option("maxmemory 2mb")`.
    #[must_use]
    pub fn option(mut self, line: &str) -> Self {
        self.options.push(line.to_owned());
        self
    }

    /// Starts the server and waits until it serves.
    pub async fn start(self) -> RedisServer {
        let mut server = RedisServer {
            setup: self,
            process: None,
        };
        // Between choosing a free port and using it somebody else may have taken it.
        server.start_again().await;
        server
    }

    fn url(&self) -> String {
        let login = self
            .login
            .as_ref()
            .map(|(user, password)| (escape(user), escape(password)));
        let login = login.as_ref();
        let before = login
            .map(|(user, password)| format!("{user}:{password}@"))
            .unwrap_or_default();
        let after = login
            .map(|(user, password)| format!("?user={user}&pass={password}"))
            .unwrap_or_default();
        match &self.address {
            Address::Tcp(port) => format!("redis://{before}127.0.0.1:{port}"),
            Address::Tls(port) => format!("rediss://{before}127.0.0.1:{port}"),
            Address::Unix(path) => format!("unix://{path}{after}"),
        }
    }

    /// Writes the file the server is started with, whose grammar takes what a command line does not.
    fn configure(&self) -> String {
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            "save \"\"".to_owned(),
            format!("dir {}", self.folder.path().display()),
            "logfile redis.log".to_owned(),
        ];
        match &self.address {
            Address::Tcp(port) => lines.push(format!("port {port}")),
            Address::Unix(path) => lines.extend(["port 0".to_owned(), format!("unixsocket {path}")]),
            Address::Tls(port) => lines.extend([
                "port 0".to_owned(),
                format!("tls-port {port}"),
                format!("tls-cert-file {}", self.folder.file("server.pem")),
                format!("tls-key-file {}", self.folder.file("server.key")),
                format!("tls-ca-cert-file {}", self.folder.file("root.pem")),
                "tls-auth-clients no".to_owned(),
            ]),
        }
        if let Some((user, password)) = &self.login {
            lines.push("user default off".to_owned());
            lines.push(format!("user {user} on >{password} ~* &* +@all"));
        }
        lines.extend(self.options.iter().cloned());
        let file = self.folder.file("redis.conf");
        std::fs::write(&file, lines.join("\n")).unwrap();
        file
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.file("redis.log")).unwrap_or_default()
    }
}

/// A user's name or password as a URL takes it.
fn escape(text: &str) -> String {
    let escaped = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escaped).collect()
}

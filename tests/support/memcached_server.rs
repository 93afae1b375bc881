//! A memcached server of a test's own.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::sleep;

use crate::process::Process;
use crate::{Folder, free_port};

const CURE: &str = "run ./scripts/test, or apt-get install memcached";
const PATIENCE: Duration = Duration::from_secs(10);

/// A running `memcached`. Dropping it kills the server.
pub struct MemcachedServer {
    address: Address,
    options: Vec<String>,
    process: Option<Process>,
}

enum Address {
    Tcp(u16),
    Unix(Folder),
}

impl MemcachedServer {
    /// A server on a free port.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same with further arguments: `&["-I", "8m"]`.
    pub async fn with(options: &[&str]) -> Self {
        Self::at(Address::Tcp(free_port()), options).await
    }

    /// A server on a socket file.
    pub async fn unix(options: &[&str]) -> Self {
        Self::at(Address::Unix(Folder::new()), options).await
    }

    async fn at(address: Address, options: &[&str]) -> Self {
        let mut server = Self {
            address,
            options: options.iter().map(|&option| option.to_owned()).collect(),
            process: None,
        };
        server.start_again().await;
        server
    }

    /// Its address, as the library takes it.
    pub fn address(&self) -> String {
        match &self.address {
            Address::Tcp(port) => format!("127.0.0.1:{port}"),
            Address::Unix(folder) => folder.file("memcached.sock"),
        }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        match &self.address {
            Address::Tcp(port) => *port,
            Address::Unix(_) => panic!("a server on a socket file has no port"),
        }
    }

    /// Kills the server, as a crash would. It forgets everything.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it on the same address, and waits until it serves.
    pub async fn start_again(&mut self) {
        self.start_again_unready();
        let begun = Instant::now();
        while self.try_say("version").await.is_err() {
            let ended = self.process.as_mut().is_none_or(Process::has_ended);
            assert!(!ended, "memcached ended at once: {:?}", self.options);
            assert!(begun.elapsed() < PATIENCE, "memcached does not answer");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Starts it on the same address without waiting.
    pub fn start_again_unready(&mut self) {
        self.stop();
        let mut arguments: Vec<String> = match &self.address {
            Address::Tcp(port) => ["-l", "127.0.0.1", "-U", "0", "-p", &port.to_string()]
                .map(str::to_owned)
                .into(),
            Address::Unix(folder) => ["-s", &folder.file("memcached.sock")].map(str::to_owned).into(),
        };
        // As root it asks whom to become, and as anybody else it does not care.
        arguments.extend(["-u", "root", "-m", "64", "-t", "2"].map(str::to_owned));
        arguments.extend(self.options.iter().cloned());
        self.process = Some(Process::start("memcached", &arguments, CURE));
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

    fn running(&self) -> &Process {
        self.process
            .as_ref()
            .unwrap_or_else(|| panic!("the server has been stopped"))
    }

    /// What it answers to one command, on a connection of its own.
    pub async fn say(&self, command: &str) -> String {
        self.try_say(command)
            .await
            .unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    async fn try_say(&self, command: &str) -> std::io::Result<String> {
        let answer = self.exchange(command.as_bytes()).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// The same in bytes.
    pub async fn say_bytes(&self, command: &[u8]) -> Vec<u8> {
        self.exchange(command).await.unwrap()
    }

    async fn exchange(&self, command: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = self.stream().await?;
        // The last word has it hang up once it has answered the first.
        stream.write_all(&[command, b"\r\nquit\r\n"].concat()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer)
    }

    async fn stream(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(match &self.address {
            Address::Tcp(port) => Box::new(TcpStream::connect(("127.0.0.1", *port)).await?),
            Address::Unix(_) => Box::new(UnixStream::connect(self.address()).await?),
        })
    }

    /// The keys of what it holds, leases included.
    pub async fn keys(&self) -> Vec<String> {
        loop {
            // This one is answered by a thread that does not come back to other words.
            let mut stream = self.stream().await.unwrap();
            stream.write_all(b"lru_crawler metadump all\r\n").await.unwrap();
            let mut dump = Vec::new();
            while !dump.ends_with(b"END\r\n") && !dump.starts_with(b"BUSY") {
                assert!(stream.read_buf(&mut dump).await.unwrap() > 0, "no dump");
            }
            if dump.starts_with(b"BUSY") {
                sleep(Duration::from_millis(5)).await;
                continue;
            }
            let dump = String::from_utf8(dump).unwrap();
            let key = |line: &str| Some(unescape(line.strip_prefix("key=")?.split(' ').next()?));
            return dump.lines().filter_map(key).collect();
        }
    }

    /// Its statistics.
    pub async fn stats(&self) -> HashMap<String, String> {
        let report = self.say("stats").await;
        let line = |line: &str| {
            let (name, value) = line.strip_prefix("STAT ")?.split_once(' ')?;
            Some((name.to_owned(), value.to_owned()))
        };
        report.lines().filter_map(line).collect()
    }

    /// How many items it holds, leases included.
    pub async fn items(&self) -> u64 {
        self.stats().await["curr_items"].parse().unwrap()
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A key as a dump of the server has it.
fn unescape(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

impl Drop for MemcachedServer {
    fn drop(&mut self) {
        // Before the folder goes.
        self.stop();
    }
}

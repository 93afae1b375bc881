//! A Redis server of the benchmark's own: on a socket file in a temporary folder, keeping nothing on disk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Server {
    folder: PathBuf,
    process: Child,
}

impl Server {
    /// Starts it and waits until it answers.
    pub fn start() -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("compare-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let process = Command::new("redis-server")
            .args([
                "--port",
                "0",
                "--save",
                "",
                "--appendonly",
                "no",
                "--daemonize",
                "no",
                "--unixsocket",
            ])
            .arg(folder.join("redis.sock"))
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("redis-server: {error} (apt-get install redis-server)"))?;
        let server = Self { folder, process };
        let client = redis::Client::open(server.url()).map_err(|error| error.to_string())?;
        let begun = Instant::now();
        while let Err(error) = client.get_connection() {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(format!("redis-server does not answer: {error}"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    pub fn socket(&self) -> String {
        self.folder.join("redis.sock").display().to_string()
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.socket())
    }
}

/// What the server has done since its start.
pub struct Counts {
    /// Reads from sockets: of one client that waits for each answer, its round trips.
    pub reads: u64,
    pub commands: BTreeMap<String, u64>,
}

impl Server {
    /// Costs a read, and an `INFO`, of its own.
    pub fn counts(&self) -> Counts {
        let client = redis::Client::open(self.url()).expect("a URL");
        let mut connection = client.get_connection().expect("the server is there");
        let text: String = redis::cmd("INFO")
            .arg("everything")
            .query(&mut connection)
            .expect("an answer");
        let mut counts = Counts {
            reads: 0,
            commands: BTreeMap::new(),
        };
        for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
            if name == "total_reads_processed" {
                counts.reads = value.trim().parse().unwrap_or(0);
            } else if let Some(command) = name.strip_prefix("cmdstat_") {
                let calls = value
                    .trim_start_matches("calls=")
                    .split(',')
                    .next()
                    .and_then(|calls| calls.parse().ok());
                counts.commands.insert(command.to_owned(), calls.unwrap_or(0));
            }
        }
        counts
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

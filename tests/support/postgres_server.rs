//! A PostgreSQL server of a test's own.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::certificates::certificates;
use crate::process::{Process, find};
use crate::{Folder, free_port, owner};

const CURE: &str = "run ./scripts/test, or apt-get install postgresql";
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `postgres` with a database `shop`, and the users `root` without a password, on the socket only, and `shop`
/// with `s3cret`. Dropping it kills the server and removes its data.
pub struct PostgresServer {
    folder: Folder,
    port: u16,
    tls: bool,
    process: Option<Process>,
}

impl PostgresServer {
    /// A server on a free port and on a socket file.
    pub async fn start() -> Self {
        Self::made(false).await
    }

    /// The same, speaking TLS to those who want it, with a certificate of [`root_certificate`](Self::root_certificate).
    pub async fn tls() -> Self {
        Self::made(true).await
    }

    async fn made(tls: bool) -> Self {
        let folder = Folder::new();
        if tls {
            certificates(&folder);
        }
        owner::give(folder.path());
        let made = owner::command(&program("initdb"))
            .arg(format!("--pgdata={}", folder.file("data")))
            .args([
                "--username=root",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
            ])
            .args(["--encoding=UTF8", "--no-locale", "--no-sync"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "initdb failed: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut server = Self {
            folder,
            port: free_port(),
            tls,
            process: None,
        };
        server.start_again().await;
        server.sql_in("postgres", "CREATE DATABASE shop");
        server.sql(
            "CREATE USER shop PASSWORD 's3cret'; GRANT ALL ON DATABASE shop TO shop; GRANT ALL ON SCHEMA public TO shop",
        );
        server
    }

    /// Its URL over TCP, with a user and a password.
    pub fn url(&self) -> String {
        format!("postgres://shop:s3cret@127.0.0.1:{}/shop", self.port)
    }

    /// Its URL over the socket file.
    pub fn socket_url(&self) -> String {
        let folder = self.folder.path().display();
        format!("postgres://root@localhost:{}/shop?host={folder}", self.port)
    }

    /// The path of the authority that signed its certificate.
    pub fn root_certificate(&self) -> String {
        self.folder.file("root.pem")
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills the server, as a crash would. What was committed stays.
    pub fn stop(&mut self) {
        // Its children notice that their parent has gone, and end; `SIGQUIT` has it end them first.
        if let Some(process) = &mut self.process {
            process.end("QUIT");
        }
        self.process = None;
    }

    /// Starts it on the same address, and waits until it serves.
    pub async fn start_again(&mut self) {
        self.stop();
        let mut command = owner::command(&program("postgres"));
        command
            .args(["-D", &self.folder.file("data")])
            .args(["-k", &self.folder.path().display().to_string()])
            .args(["-p", &self.port.to_string()])
            .args(["-h", "127.0.0.1"])
            // A crash of the process loses nothing by it.
            .args(["-c", "fsync=off"])
            .stderr(std::fs::File::create(self.folder.file("db.log")).unwrap());
        if self.tls {
            command.args(["-c", "ssl=on"]);
            for (option, file) in [("cert", "server.pem"), ("key", "server.key")] {
                command.args(["-c", &format!("ssl_{option}_file={}", self.folder.file(file))]);
            }
        }
        self.process = Some(Process::run(command, CURE));
        let begun = Instant::now();
        while let Err(why) = self.try_sql("postgres", "SELECT 1") {
            let ended = self.process.as_mut().is_none_or(Process::has_ended);
            let log = std::fs::read_to_string(self.folder.file("db.log")).unwrap_or_default();
            assert!(!ended, "postgres ended at once:\n{log}");
            assert!(
                begun.elapsed() < PATIENCE,
                "postgres does not answer: {why}\n{log}"
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops the process and its children from running, so that connections are accepted and nothing is answered.
    pub fn pause(&self) {
        self.signal_all("STOP");
    }

    /// Undoes [`pause`](Self::pause).
    pub fn resume(&self) {
        self.signal_all("CONT");
    }

    /// Runs statements as `root` in the database `shop`, and gives back what they print, bare.
    pub fn sql(&self, statements: &str) -> String {
        self.sql_in("shop", statements)
    }

    fn sql_in(&self, database: &str, statements: &str) -> String {
        self.try_sql(database, statements)
            .unwrap_or_else(|why| panic!("{statements}: {why}"))
    }

    fn try_sql(&self, database: &str, statements: &str) -> Result<String, String> {
        let output = std::process::Command::new(program("psql"))
            .args(["-h", &self.folder.path().display().to_string()])
            .args(["-p", &self.port.to_string()])
            .args([
                "-U",
                "root",
                "-d",
                database,
                "-X",
                "-A",
                "-t",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
            ])
            .args(["-c", statements])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn signal_all(&self, name: &str) {
        let process = self
            .process
            .as_ref()
            .unwrap_or_else(|| panic!("the server has been stopped"));
        process.signal_with_children(name);
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // A server that stands still does not hear that it is to end.
        if self.process.is_some() {
            self.resume();
        }
        // Before the folder goes.
        self.stop();
    }
}

/// A program of PostgreSQL's, which Debian keeps off the path, by version.
fn program(name: &str) -> PathBuf {
    if let Some(found) = find(name) {
        return found;
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<PathBuf> = versions
        .map(|version| version.path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found
        .pop()
        .unwrap_or_else(|| panic!("{name} is not installed: {CURE}"))
}

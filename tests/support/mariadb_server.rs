//! A MariaDB server of a test's own.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::certificates::certificates;
use crate::process::{Process, sees};
use crate::{Folder, free_port, owner};

const CURE: &str = "run ./scripts/test, or apt-get install mariadb-server";
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `mariadbd` with a database `shop`, whose users `root` and `shop` have no password and `s3cret`. Dropping it
/// kills the server and removes its data.
pub struct MariaDbServer {
    folder: Folder,
    port: u16,
    tls: bool,
    process: Option<Process>,
}

impl MariaDbServer {
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
        let installed = owner::command(&sees(&["mariadb-install-db", "mysql_install_db"], CURE))
            .arg("--no-defaults")
            .arg(format!("--datadir={}", folder.file("data")))
            // Several that are set up at once would take each other's tables for their own.
            .env("TMPDIR", folder.path())
            .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
            .args(["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            installed.status.success(),
            "mariadb-install-db failed: {}",
            String::from_utf8_lossy(&installed.stderr)
        );
        let mut server = Self {
            folder,
            port: free_port(),
            tls,
            process: None,
        };
        server.start_again().await;
        server.sql(
            "CREATE DATABASE shop; CREATE USER shop@'%' IDENTIFIED BY 's3cret'; GRANT ALL ON shop.* TO shop@'%'",
        );
        server
    }

    /// Its URL over TCP, with a user and a password.
    pub fn url(&self) -> String {
        format!("mysql://shop:s3cret@127.0.0.1:{}/shop", self.port)
    }

    /// Its URL over the socket file.
    pub fn socket_url(&self) -> String {
        format!(
            "mysql://root@localhost/shop?socket={}",
            self.folder.file("db.sock")
        )
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
        self.process = None;
    }

    /// Starts it on the same address, and waits until it serves.
    pub async fn start_again(&mut self) {
        self.stop();
        let mut command = owner::command(&sees(&["mariadbd", "mysqld"], CURE));
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", self.folder.file("data")))
            .arg(format!("--tmpdir={}", self.folder.path().display()))
            .arg(format!("--socket={}", self.folder.file("db.sock")))
            .arg(format!("--pid-file={}", self.folder.file("db.pid")))
            .arg(format!("--log-error={}", self.folder.file("db.log")))
            .arg(format!("--port={}", self.port))
            .args([
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--skip-log-bin",
            ])
            // Kept small, so that many of them start soon. A crash of the process loses nothing by the last.
            .args(["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M"])
            .args(["--performance-schema=OFF", "--innodb-flush-log-at-trx-commit=2"])
            .stderr(Stdio::null());
        if self.tls {
            for (option, file) in [("cert", "server.pem"), ("key", "server.key")] {
                command.arg(format!("--ssl-{option}={}", self.folder.file(file)));
            }
        }
        self.process = Some(Process::run(command, CURE));
        let begun = Instant::now();
        while let Err(why) = self.try_sql("SELECT 1") {
            let ended = self.process.as_mut().is_none_or(Process::has_ended);
            let log = std::fs::read_to_string(self.folder.file("db.log")).unwrap_or_default();
            assert!(!ended, "mariadbd ended at once:\n{log}");
            assert!(
                begun.elapsed() < PATIENCE,
                "mariadbd does not answer: {why}\n{log}"
            );
            sleep(Duration::from_millis(20)).await;
        }
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

    /// Runs statements as `root`, in the database `shop` if there is one, and gives back what they print, without
    /// headings.
    pub fn sql(&self, statements: &str) -> String {
        self.try_sql(statements)
            .unwrap_or_else(|why| panic!("{statements}: {why}"))
    }

    fn try_sql(&self, statements: &str) -> Result<String, String> {
        let database = std::path::Path::new(&self.folder.file("data"))
            .join("shop")
            .exists();
        let output = Command::new(sees(&["mariadb", "mysql"], CURE))
            .arg("--no-defaults")
            .arg(format!("--socket={}", self.folder.file("db.sock")))
            .args(["--user=root", "--batch", "--skip-column-names"])
            .args(["--default-character-set=utf8mb4", "-e", statements])
            .args(database.then_some("shop"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn running(&self) -> &Process {
        self.process
            .as_ref()
            .unwrap_or_else(|| panic!("the server has been stopped"))
    }
}

impl Drop for MariaDbServer {
    fn drop(&mut self) {
        // Before the folder goes.
        self.stop();
    }
}

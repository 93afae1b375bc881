//! Runs the examples as a user would: as programs of their own, in a temporary folder of their own.
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A place to run examples in, without anything of the developer's environment that they would heed.
pub(crate) struct Place {
    folder: TempDir,
    redis: Option<String>,
}

impl Place {
    /// One where entries are kept in memory.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            redis: None,
        }
    }

    /// The same with `REDIS_URL` set.
    pub(crate) fn with_redis(url: String) -> Self {
        Self {
            redis: Some(url),
            ..Self::new()
        }
    }

    /// The example `name`, ready to be started.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(executable(name));
        for variable in [
            "REDIS_URL",
            "MEMCACHED_ADDR",
            "CACHE_BACKEND",
            "CACHE_SQL_URL",
            "CACHE_NAMESPACE",
            "PORT",
        ] {
            command.env_remove(variable);
        }
        // The names of the temporary folder on Unix and on Windows.
        command
            .env("TMPDIR", self.folder.path())
            .env("TMP", self.folder.path());
        if let Some(url) = &self.redis {
            command.env("REDIS_URL", url);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    /// Runs it to its end, which must be a success, and returns what it printed.
    pub(crate) fn run(&self, name: &str) -> String {
        let output = self.command(name).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{name} failed: {}\n{said}",
            output.status
        );
        said
    }
}

/// Cargo has built it beside this test, but tells tests only of `[[bin]]`s.
fn executable(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let file = tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        file.exists(),
        "{} is missing: cargo build --examples",
        file.display()
    );
    file
}

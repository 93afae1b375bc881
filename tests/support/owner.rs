//! Who runs the database servers: PostgreSQL and MariaDB refuse to be run by root, who is who tests in containers.

use std::path::Path;
use std::process::Command;

/// Any user that every system has and that owns nothing.
const NOBODY: &str = "nobody";

fn is_root() -> bool {
    // Of a process of one's own, the owner of its folder in `/proc` would do; this works everywhere.
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Makes `folder` that user's, with all it holds. Keys of certificates there are nobody else's to read.
pub(crate) fn give(folder: &Path) {
    let key = folder.join("server.key");
    if key.exists() {
        run("chmod", &["600"], &key);
    }
    if is_root() {
        run("chown", &["-R", NOBODY], folder);
    }
}

fn run(program: &str, words: &[&str], path: &Path) {
    let done = Command::new(program).args(words).arg(path).status();
    assert!(
        done.is_ok_and(|status| status.success()),
        "{program} {words:?} failed"
    );
}

/// A command that runs `program` as that user. The process is the program itself, so that it can be signalled.
pub(crate) fn command(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", NOBODY, "--clear-groups", "--"])
        .arg(program);
    command
}

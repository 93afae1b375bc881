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

/// Makes `folder` that user's.
pub(crate) fn give(folder: &Path) {
    if is_root() {
        let given = Command::new("chown").arg(NOBODY).arg(folder).status();
        assert!(
            given.is_ok_and(|status| status.success()),
            "the folder of a server cannot be given away"
        );
    }
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

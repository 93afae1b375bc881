//! A child process: started, signalled by its id, and ended with its handle.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Process(Child);

impl Process {
    /// Starts `program`. One that is not installed panics with `cure`.
    pub(crate) fn start(program: &str, arguments: &[String], cure: &str) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stderr(Stdio::null());
        Self::run(command, cure)
    }

    /// Starts what `command` says, with nothing to read and nobody to print to.
    pub(crate) fn run(mut command: Command, cure: &str) -> Self {
        let program = command.get_program().to_owned();
        match command.stdin(Stdio::null()).stdout(Stdio::null()).spawn() {
            Ok(child) => Self(child),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("{} is not installed: {cure}", program.display())
            }
            Err(error) => panic!("{} did not start: {error}", program.display()),
        }
    }

    /// Sends a signal by name: `STOP`, `CONT`, `TERM`. There is no safe way to in the standard library.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.0.id().to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "signal {name} was not delivered"
        );
    }

    /// The same to the processes that it has started, too.
    pub(crate) fn signal_with_children(&self, name: &str) {
        let own = self.0.id().to_string();
        let children = Command::new("ps")
            .args(["-o", "pid=", "--ppid", &own])
            .output()
            .unwrap();
        self.signal(name);
        for child in String::from_utf8_lossy(&children.stdout).split_whitespace() {
            // One that has ended meanwhile needs no signal.
            let _ = Command::new("kill")
                .args([&format!("-{name}"), child])
                .stderr(Stdio::null())
                .status();
        }
    }

    /// Ends it by a signal, and at once if that takes it long.
    pub(crate) fn end(&mut self, name: &str) {
        self.signal(name);
        let begun = Instant::now();
        while !self.has_ended() && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill();
    }

    /// Waits until every thread of it stands still, after a `STOP`: some may run on for a moment. Where the system does not
    /// tell, it is taken for granted.
    pub(crate) fn wait_until_still(&self) {
        let still = |task: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit(") ")
                .next()
                .is_none_or(|state| state.starts_with('T'))
        };
        let begun = Instant::now();
        let tasks = format!("/proc/{}/task", self.0.id());
        while let Ok(mut tasks) = std::fs::read_dir(&tasks)
            && !tasks.all(|task| task.is_ok_and(still))
            && begun.elapsed() < Duration::from_secs(5)
        {
            std::thread::yield_now();
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)))
    }

    /// Ends it at once, as a crash would, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where the program `name` is: on the path, or where servers are kept off it.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The first of `names` that is installed.
pub(crate) fn sees(names: &[&str], cure: &str) -> PathBuf {
    names
        .iter()
        .find_map(|name| find(name))
        .unwrap_or_else(|| panic!("{} is not installed: {cure}", names[0]))
}

//! A child process: started, signalled by its id, and ended with its handle.

use std::io::ErrorKind;
use std::process::{Child, Command, Stdio};

pub(crate) struct Process(Child);

impl Process {
    /// Starts `program`. One that is not installed panics with `cure`.
    pub(crate) fn start(program: &str, arguments: &[String], cure: &str) -> Self {
        match Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
        {
            Ok(child) => Self(child),
            Err(error) if error.kind() == ErrorKind::NotFound => panic!("{program} is not installed: {cure}"),
            Err(error) => panic!("{program} did not start: {error}"),
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

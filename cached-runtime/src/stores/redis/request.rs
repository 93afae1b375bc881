//! What a look-up sends in one journey.
//!
//! Called by `look` and `leases`, carried by `link`. The values of keys are by far the most of it, and are written as they go
//! over the wire, without a command in between of which each key would be copied twice.

use redis::{Cmd, Pipeline};

/// Commands that change nothing that anybody relies on.
#[derive(Clone, Copy)]
pub(super) enum Request<'a> {
    /// The values of these keys, of all by one `MGET`.
    Values(&'a [&'a str]),
    Commands(&'a Pipeline),
}

impl Request<'_> {
    /// How many answers there will be.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Values(_) => 1,
            Self::Commands(commands) => commands.len(),
        }
    }

    /// Appends it to `bytes` as it goes over the wire.
    pub(super) fn write(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Values(keys) => {
                let length = keys.iter().map(|key| key.len() + 16).sum::<usize>() + 24;
                bytes.reserve(length);
                line(bytes, b'*', keys.len() + 1);
                bytes.extend_from_slice(b"$4\r\nMGET\r\n");
                for key in keys {
                    line(bytes, b'$', key.len());
                    bytes.extend_from_slice(key.as_bytes());
                    bytes.extend_from_slice(b"\r\n");
                }
            }
            Self::Commands(commands) => {
                for command in commands.cmd_iter() {
                    command.write_packed_command(bytes);
                }
            }
        }
    }

    /// The same for the client.
    pub(super) fn commands(self) -> Pipeline {
        match self {
            Self::Values(keys) => {
                let mut commands = Pipeline::with_capacity(1);
                commands.add_command(mget(keys));
                commands
            }
            Self::Commands(commands) => commands.clone(),
        }
    }
}

/// The command that asks for the values of `keys`.
pub(super) fn mget(keys: &[&str]) -> Cmd {
    let mut command = Cmd::with_capacity(
        keys.len() + 1,
        keys.iter().map(|key| key.len()).sum::<usize>() + 4,
    );
    command.arg("MGET").arg(keys);
    command
}

fn line(bytes: &mut Vec<u8>, mark: u8, number: usize) {
    bytes.push(mark);
    bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    bytes.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_the_client_writes_it() {
        let long = "k".repeat(1_234);
        for keys in [&["a"][..], &["", "user:42", "\r\n$1", "ü", &long], &["k"; 128]] {
            let request = Request::Values(keys);
            let (mut here, mut there) = (Vec::new(), Vec::new());
            request.write(&mut here);
            let commands = request.commands();
            Request::Commands(&commands).write(&mut there);
            assert_eq!(here, there);
            assert_eq!(here, commands.get_packed_pipeline());
            assert_eq!((request.len(), Request::Commands(&commands).len()), (1, 1));
        }
    }
}

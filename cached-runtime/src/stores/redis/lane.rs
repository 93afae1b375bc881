//! A connection of one request at a time, for look-ups.
//!
//! Called by `link`. Knows nothing of scripts, keys or values.
//!
//! Over the shared connection a request goes to the task that drives it and its answer comes back from there: two
//! hand-overs, often between threads, which cost more than everything else about a hit. Here whoever asks writes
//! and reads in his own task. The greetings are RESP2's, which every server speaks, and need no answer of a kind that
//! depends on the version.
//!
//! Who is dropped while he waits leaves his answer to be read, and thrown away, by the next.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::{Duration, Instant};

use redis::{Cmd, ConnectionAddr, ConnectionInfo, Pipeline, RedisResult, Value, cmd};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::task::yield_now;

use super::reply::{Reply, Values};
use super::request::Request;

/// Room for answers at first: a batch of small values.
const ROOM: usize = 64 * 1024;
/// Room that is kept once a large answer has been read.
const MOST_ROOM: usize = 1024 * 1024;

pub(super) struct Lane {
    socket: Socket,
    request: Vec<u8>,
    /// Its length is the room there is.
    input: Vec<u8>,
    /// How much of it has come.
    filled: usize,
    /// Answers that are still to come.
    owed: usize,
    /// Since when.
    silent: Instant,
    /// No request has been written in part, and no answer was garbled.
    sound: bool,
}

enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Lane {
    /// A connection to the server, greeted; `None` where only the client can make one, as with TLS.
    pub(super) async fn connect(info: &ConnectionInfo) -> RedisResult<Option<Self>> {
        let Some(socket) = Socket::connect(info).await? else {
            return Ok(None);
        };
        let mut lane = Self {
            socket,
            request: Vec::new(),
            input: vec![0; ROOM],
            filled: 0,
            owed: 0,
            silent: Instant::now(),
            sound: true,
        };
        let settings = info.redis_settings();
        if let Some(password) = settings.password() {
            lane.ask_one(cmd("AUTH").arg(settings.username()).arg(password))
                .await?;
        }
        if settings.db() != 0 {
            lane.ask_one(cmd("SELECT").arg(settings.db())).await?;
        }
        Ok(Some(lane))
    }

    /// Whether it can be asked again: a server that has owed an answer for `patience` will not give it any more.
    pub(super) fn is_usable(&self, patience: Duration) -> bool {
        self.sound && (self.owed == 0 || self.silent.elapsed() < patience)
    }

    /// Whether somebody was dropped before he had his answer, and it has not come since.
    pub(super) fn owes(&self) -> bool {
        self.owed != 0
    }

    /// Sends one command and returns its answer; an error answer is an error.
    pub(super) async fn ask_one(&mut self, command: &Cmd) -> RedisResult<Value> {
        let mut commands = Pipeline::with_capacity(1);
        commands.add_command(command.clone());
        let mut answers = self.ask(Request::Commands(&commands), false).await?;
        answers.pop().unwrap_or(Value::Nil).extract_error()
    }

    /// Sends commands in one journey and returns the answers of all, errors among them. With `many` callers there is
    /// more to do meanwhile than to wait.
    pub(super) async fn ask(&mut self, request: Request<'_>, many: bool) -> RedisResult<Vec<Value>> {
        self.request.clear();
        request.write(&mut self.request);
        if self.owed == 0 {
            self.silent = Instant::now();
        }
        self.sound = false;
        self.socket.write(&self.request).await?;
        self.owed += request.len();
        self.sound = true;
        let mut answers = Vec::with_capacity(request.len());
        if many {
            // Who was answered before runs first; by then the answer may have come, and nobody sleeps and is woken for it.
            // For one alone this wakes another thread of the runtime, which finds nothing to do.
            yield_now().await;
        }
        while self.owed > 0 {
            match self.answer() {
                // The first are those of who was dropped.
                Ok(Some(answer)) if self.owed < request.len() => answers.push(answer),
                Ok(Some(_)) => {}
                Ok(None) => self.receive(many).await?,
                Err(error) => {
                    self.sound = false;
                    return Err(error);
                }
            }
        }
        Ok(answers)
    }

    /// The next answer, if it has come.
    fn answer(&mut self) -> RedisResult<Option<Value>> {
        let bytes = &self.input[..self.filled];
        let (value, length) = match Values::read(bytes) {
            Values::All(values, length) => (values, length),
            Values::More => return Ok(None),
            Values::Other => match Reply::read(bytes)? {
                Some((reply, length)) => (reply.into_value()?, length),
                None => return Ok(None),
            },
        };
        self.input.copy_within(length..self.filled, 0);
        self.filled -= length;
        self.owed -= 1;
        if self.owed != 0 {
            self.silent = Instant::now();
        }
        if self.input.len() > MOST_ROOM && self.filled <= ROOM {
            self.input.truncate(ROOM);
            self.input.shrink_to_fit();
        }
        Ok(Some(value))
    }

    async fn receive(&mut self, at_once: bool) -> io::Result<()> {
        if self.filled == self.input.len() {
            self.input.resize(self.filled * 2, 0);
        }
        let room = &mut self.input[self.filled..];
        let read = if at_once {
            self.socket.read(room).await
        } else {
            self.socket.read_later(room).await
        };
        self.filled += read.inspect_err(|_| self.sound = false)?;
        Ok(())
    }
}

impl Socket {
    async fn connect(info: &ConnectionInfo) -> io::Result<Option<Self>> {
        Ok(match info.addr() {
            ConnectionAddr::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                Some(Self::Tcp(stream))
            }
            #[cfg(unix)]
            ConnectionAddr::Unix(path) => Some(Self::Unix(UnixStream::connect(path).await?)),
            _ => None,
        })
    }

    async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match self {
                Self::Tcp(stream) => stream.try_write(bytes),
                #[cfg(unix)]
                Self::Unix(stream) => stream.try_write(bytes),
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match self {
                    Self::Tcp(stream) => stream.writable().await?,
                    #[cfg(unix)]
                    Self::Unix(stream) => stream.writable().await?,
                },
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what has come, at least one byte.
    async fn read(&self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Tcp(stream) => stream.try_read(room),
                #[cfg(unix)]
                Self::Unix(stream) => stream.try_read(room),
            };
            match read {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match self {
                    Self::Tcp(stream) => stream.readable().await?,
                    #[cfg(unix)]
                    Self::Unix(stream) => stream.readable().await?,
                },
                read => return read,
            }
        }
    }

    /// The same where nothing will have come yet: having read all that there was, it is not looked for before the system says
    /// that there is more.
    async fn read_later(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut room = ReadBuf::new(room);
        poll_fn(|context| match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, &mut room),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_read(context, &mut room),
        })
        .await?;
        match room.filled().len() {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }
}

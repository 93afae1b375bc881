//! What owns one socket to a memcached server: writes what is asked and reads what is answered, in order.
//!
//! Spawned by the link for each connection. A caller hands in the bytes of its commands and how many replies they have,
//! and waits on a channel; if it is dropped, its replies are read all the same and thrown away, so nobody can put the
//! stream out of step. Whatever is asked at the same moment is written together, and nothing waits for the answer
//! before it.
//!
//! The driver ends with the last of its callers' handles, with the socket, at a reply that is none, and when the
//! server owes an answer and has been silent for longer than it may. In all cases but the first the callers are told
//! by their channels closing.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep};

use super::clock::{Bounds, Clock, Sample, local};
use super::wire::{self, Nonsense, Reply};

/// Bytes that may wait to be written before further commands are taken.
const MOST_UNWRITTEN: usize = 1 << 20;
/// The latest time that a server is believed.
const LAST_SECOND: i64 = 1 << 40;
/// Commands up to this size are gathered into one piece to be written.
const PIECE: usize = 64 * 1024;

pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// Commands that travel together.
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    pub(super) replies: usize,
    pub(super) answer: oneshot::Sender<Vec<Reply>>,
}

/// Who gets the next reply.
enum Waiting {
    Caller {
        missing: usize,
        replies: Vec<Reply>,
        answer: oneshot::Sender<Vec<Reply>>,
    },
    Clock {
        asked: i64,
    },
}

/// Whose time is measured, once it is known at all.
pub(super) struct Measured {
    pub(super) clock: Arc<Clock>,
    pub(super) bounds: Bounds,
}

pub(super) struct Driver {
    socket: Box<dyn Socket>,
    requests: mpsc::Receiver<Request>,
    unwritten: VecDeque<Vec<u8>>,
    /// Bytes of the first piece that are written.
    written: usize,
    waiting: VecDeque<Waiting>,
    input: Vec<u8>,
    /// How long the server may be silent while it owes an answer.
    patience: Duration,
    /// When bytes went either way for the last time.
    moved: Instant,
    silence: Pin<Box<Sleep>>,
    /// Told by the link once it knows the server's time.
    measured: Option<oneshot::Receiver<Measured>>,
    measuring: Option<(Measured, Pin<Box<Sleep>>)>,
    ends: Ends,
}

/// Why a connection is given up.
#[derive(Debug)]
pub(super) enum Why {
    Lost(String),
    Nonsense(String),
}

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<Nonsense> for Why {
    fn from(Nonsense(what): Nonsense) -> Self {
        Self::Nonsense(what)
    }
}

/// What others read of a driver, and what is left of one that has ended.
#[derive(Clone, Default)]
pub(super) struct Ends {
    /// Why, unless its callers or its runtime have gone.
    pub(super) why: Arc<OnceLock<Why>>,
    /// Rung if somebody went without an answer.
    pub(super) trouble: Arc<AtomicBool>,
    /// When it was woken first since it ran last, by the clock of its [`Wire`](super::link::Wire); 0 if it was not.
    pub(super) woken: Arc<AtomicU64>,
}

impl Driver {
    pub(super) fn new(
        socket: Box<dyn Socket>,
        requests: mpsc::Receiver<Request>,
        measured: oneshot::Receiver<Measured>,
        patience: Duration,
        ends: Ends,
    ) -> Self {
        Self {
            socket,
            requests,
            unwritten: VecDeque::new(),
            written: 0,
            waiting: VecDeque::new(),
            input: Vec::new(),
            patience,
            moved: Instant::now(),
            silence: Box::pin(sleep(patience)),
            measured: Some(measured),
            measuring: None,
            ends,
        }
    }

    fn push(&mut self, bytes: Vec<u8>, waiting: Waiting) {
        if self.waiting.is_empty() {
            self.moved = Instant::now();
        }
        self.waiting.push_back(waiting);
        match self.unwritten.back_mut() {
            Some(last) if last.len() + bytes.len() <= PIECE => last.extend_from_slice(&bytes),
            _ => self.unwritten.push_back(bytes),
        }
    }

    /// Takes what is asked; `Ready` once nobody is left who could ask.
    fn take(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.unwritten.iter().map(Vec::len).sum::<usize>() < MOST_UNWRITTEN {
            let Some(request) = ready!(self.requests.poll_recv(context)) else {
                return Poll::Ready(());
            };
            // Whoever was dropped before anything was sent need not have anything sent.
            if request.answer.is_closed() {
                continue;
            }
            let waiting = Waiting::Caller {
                missing: request.replies,
                replies: Vec::with_capacity(request.replies),
                answer: request.answer,
            };
            self.push(request.bytes, waiting);
        }
        Poll::Pending
    }

    /// Asks for the server's time when it is worth it.
    fn measure(&mut self, context: &mut Context<'_>) {
        if let Some(measured) = &mut self.measured
            && let Poll::Ready(told) = Pin::new(measured).poll(context)
        {
            self.measured = None;
            self.measuring = told.ok().map(|measured| {
                let pause = Box::pin(sleep(measured.bounds.pause(local())));
                (measured, pause)
            });
        }
        let is_asking = |waiting: &Waiting| matches!(waiting, Waiting::Clock { .. });
        if let Some((_, pause)) = &mut self.measuring
            && !self.waiting.iter().any(is_asking)
            && pause.as_mut().poll(context).is_ready()
        {
            let mut bytes = Vec::new();
            wire::word(&mut bytes, "stats");
            self.push(bytes, Waiting::Clock { asked: local() });
        }
    }

    fn write(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while let Some(piece) = self.unwritten.front() {
            match Pin::new(&mut self.socket).poll_write(context, &piece[self.written..]) {
                Poll::Pending => break,
                Poll::Ready(written) => self.written += written?,
            }
            self.moved = Instant::now();
            if self.written == piece.len() {
                self.unwritten.pop_front();
                self.written = 0;
            }
        }
        Ok(())
    }

    /// Reads until nothing more is there; an error, or an end of the stream, is `Err`.
    fn read(&mut self, context: &mut Context<'_>) -> Result<(), Why> {
        let mut piece = [0; 16 * 1024];
        loop {
            let mut piece = ReadBuf::new(&mut piece);
            match Pin::new(&mut self.socket).poll_read(context, &mut piece) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Err(error)) => return Err(error.into()),
                Poll::Ready(Ok(())) if piece.filled().is_empty() => {
                    return Err(Why::Lost("the server has closed the connection".to_owned()));
                }
                Poll::Ready(Ok(())) => {}
            }
            self.moved = Instant::now();
            self.input.extend_from_slice(piece.filled());
            self.understand()?;
        }
    }

    /// Gives the replies that have come to those who wait for them.
    fn understand(&mut self) -> Result<(), Why> {
        let mut at = 0;
        while at < self.input.len() {
            if self.waiting.is_empty() {
                return Err(Why::Nonsense(
                    "an answer came that nobody has asked for".to_owned(),
                ));
            }
            let Some((reply, length)) = wire::read(&self.input[at..])? else {
                break;
            };
            at += length;
            self.deliver(reply);
        }
        self.input.drain(..at);
        if self.input.is_empty() {
            // One large value must not be paid for ever after.
            self.input.shrink_to(PIECE);
        }
        Ok(())
    }

    fn deliver(&mut self, reply: Reply) {
        match self.waiting.front_mut() {
            Some(Waiting::Caller { missing, replies, .. }) => {
                replies.push(reply);
                *missing -= 1;
                if *missing > 0 {
                    return;
                }
            }
            Some(Waiting::Clock { asked }) => {
                let (asked, told) = (*asked, local());
                match (second_of(&reply), &mut self.measuring) {
                    (Some(second), Some((measured, pause))) => {
                        measured.bounds = measured.bounds.narrowed(Sample { asked, told, second });
                        measured.clock.set(&measured.bounds);
                        pause.set(sleep(measured.bounds.pause(told)));
                    }
                    // It has told its time once, and will not again.
                    _ => self.measuring = None,
                }
            }
            None => {}
        }
        if let Some(Waiting::Caller { replies, answer, .. }) = self.waiting.pop_front() {
            // Whoever was dropped meanwhile is past caring.
            let _ = answer.send(replies);
        }
    }

    fn is_silent(&mut self, context: &mut Context<'_>) -> bool {
        while !self.waiting.is_empty() {
            let end = self.moved + self.patience;
            if Instant::now() >= end {
                return true;
            }
            if self.silence.deadline() < end {
                self.silence.as_mut().reset(end);
            }
            if self.silence.as_mut().poll(context).is_pending() {
                return false;
            }
        }
        false
    }
}

/// The time that a report of the server names.
pub(super) fn second_of(reply: &Reply) -> Option<i64> {
    let Reply::Report(lines) = reply else { return None };
    let told: i64 = lines
        .iter()
        .find_map(|line| line.strip_prefix("time ")?.parse().ok())?;
    // Further off, it could not be counted with.
    (0..=LAST_SECOND).contains(&told).then_some(told)
}

impl Driver {
    fn drive(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Why>> {
        self.ends.woken.store(0, Relaxed);
        let over = self.take(context).is_ready();
        self.measure(context);
        if let Err(error) = self.write(context) {
            return Poll::Ready(Err(error.into()));
        }
        // Taking stops where much is unwritten; once it is written, nobody else would wake this to go on.
        if self.unwritten.is_empty() && !over && !self.requests.is_empty() {
            context.waker().wake_by_ref();
        }
        if let Err(why) = self.read(context) {
            return Poll::Ready(Err(why));
        }
        let is_owed = |waiting: &Waiting| matches!(waiting, Waiting::Caller { .. });
        if over && !self.waiting.iter().any(is_owed) {
            self.waiting.clear();
            return Poll::Ready(Ok(()));
        }
        if self.is_silent(context) {
            let why = format!("the server has been silent for {:?}", self.patience);
            return Poll::Ready(Err(Why::Lost(why)));
        }
        Poll::Pending
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Err(why) = ready!(self.drive(context)) {
            let _ = self.ends.why.set(why);
        }
        Poll::Ready(())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // However it ends, by its runtime's end too. What was asked of the clock alone was asked by nobody, but is as
        // good a sign that the server could not be reached.
        self.requests.close();
        if !self.waiting.is_empty() || !self.requests.is_empty() {
            self.ends.trouble.store(true, Relaxed);
        }
    }
}

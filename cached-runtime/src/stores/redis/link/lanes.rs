//! The lanes beside a connection: made, kept while nobody uses them, and given up.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use redis::{RedisResult, Value, cmd, from_redis_value};
use tokio::time::timeout;

use super::super::lane::Lane;
use super::super::request::Request;
use super::{ANSWER, CONNECT, Inner, State, Waits, Wire};

/// How long the answers to those who were dropped are waited for on a lane, before another is made.
const LATE: Duration = Duration::from_millis(100);
/// Lanes that are kept while nobody uses them.
const MOST_LANES: usize = 2;

/// A lane, and the connection that it was made beside.
pub(super) struct Kept {
    /// Boxed: it goes back and forth for every request.
    pub(super) lane: Box<Lane>,
    /// By address: it is not to keep the connection alive.
    beside: Weak<Wire>,
}

/// A lane in use. It is kept for the next however its use ends, as long as it is usable.
pub(super) struct Held<'a> {
    link: &'a Inner,
    kept: Option<Kept>,
}

impl Inner {
    pub(super) fn lanes(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a lane, in a task of its own where the connection lives: the greetings may take longer than a caller's patience, and meanwhile there
    /// is the connection. Where none can be made (only the client knows TLS; there may be too many connections), or the
    /// name of the server has led to another one this time, that remains so.
    pub(super) fn dial_lane(self: &Arc<Self>, wire: &Arc<Wire>) {
        if wire.laneless.load(Relaxed) || wire.dialling_lane.swap(true, Relaxed) {
            return;
        }
        let (link, dialling) = (Arc::clone(self), DiallingLane(Arc::downgrade(wire)));
        wire.runtime.spawn(async move {
            let beside = &dialling.0;
            let Some(wire) = beside.upgrade() else { return };
            match timeout(CONNECT, link.lane(&wire)).await {
                Ok(Ok(Some(lane))) => link.keep(Kept {
                    lane: Box::new(lane),
                    beside: Weak::clone(beside),
                }),
                _ => wire.laneless.store(true, Relaxed),
            }
        });
    }

    /// A lane to the very server that `wire` leads to.
    async fn lane(&self, wire: &Wire) -> RedisResult<Option<Lane>> {
        let Some(mut lane) = Lane::connect(wire.client.get_connection_info()).await? else {
            return Ok(None);
        };
        let who = cmd("INFO").arg("server").take();
        let (here, there) = (
            lane.ask_one(&who).await?,
            wire.connection.clone().send_packed_command(&who).await?,
        );
        let (here, there): (String, String) =
            (from_redis_value(here)?, from_redis_value(there.extract_error()?)?);
        let run = run_of(&here);
        Ok((run.is_some() && run == run_of(&there)).then_some(lane))
    }

    /// Keeps a lane that can be used again.
    fn keep(&self, kept: Kept) {
        // Held meanwhile, so that nothing is kept past a `close`.
        let state = self.state();
        let is_current = matches!(&*state, State::Up(wire) if kept.is_beside(wire));
        if is_current && kept.lane.is_usable(ANSWER) {
            let mut lanes = self.lanes();
            // More are needed only while callers are dropped in the middle of what they ask.
            if lanes.len() < MOST_LANES {
                lanes.push(kept);
            }
        }
    }

    /// A lane that was kept, if it can be used beside `wire`. Those that cannot are let go.
    pub(super) fn hold(&self, wire: &Arc<Wire>) -> Option<Held<'_>> {
        loop {
            let kept = self.lanes().pop()?;
            if kept.is_beside(wire) && kept.lane.is_usable(ANSWER) {
                let kept = Some(kept);
                return Some(Held { link: self, kept });
            }
        }
    }
}

/// What tells one run of a server from all others, in its description.
fn run_of(info: &str) -> Option<&str> {
    info.lines().find_map(|line| line.strip_prefix("run_id:"))
}

impl Kept {
    fn is_beside(&self, wire: &Arc<Wire>) -> bool {
        std::ptr::eq(self.beside.as_ptr(), Arc::as_ptr(wire))
    }
}

impl Held<'_> {
    pub(super) async fn ask(&mut self, request: Request<'_>, waits: Waits) -> RedisResult<Vec<Value>> {
        let Some(Kept { lane, .. }) = &mut self.kept else {
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        };
        let (patience, silent) = if lane.owes() {
            (LATE, io::ErrorKind::ConnectionAborted)
        } else if waits == Waits::Timed {
            return lane.ask(request, false).await;
        } else {
            (ANSWER, io::ErrorKind::TimedOut)
        };
        // Boxed: what those await who keep the time themselves is to be small.
        let answer = Box::pin(timeout(patience, lane.ask(request, waits == Waits::Many)));
        answer.await.unwrap_or_else(|_| {
            self.kept = None;
            Err(io::Error::from(silent).into())
        })
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(kept) = self.kept.take() {
            self.link.keep(kept);
        }
    }
}

/// However the task that makes a lane ends, by its runtime's end too, another may start.
struct DiallingLane(Weak<Wire>);

impl Drop for DiallingLane {
    fn drop(&mut self) {
        if let Some(wire) = self.0.upgrade() {
            wire.dialling_lane.store(false, Relaxed);
        }
    }
}

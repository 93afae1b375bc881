//! Which `Caches` and which mode are in force for the code that runs now.
//!
//! A task-local says it for a scope, a static for the process. Without either, the first call builds a `Caches` from
//! the environment.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::Caches;
use crate::policy::Mode;
use crate::{Error, ErrorKind};

#[derive(Clone, Default)]
struct Context {
    caches: Option<Caches>,
    mode: Mode,
}

tokio::task_local! {
    static CONTEXT: Context;
}

/// Whether any scope was ever entered: programs that use none never touch the task-local.
static SCOPED: AtomicBool = AtomicBool::new(false);

static INSTALLED: OnceLock<Caches> = OnceLock::new();

/// Whether some scope may be in force here, be it of a `Caches` or of a mode.
#[inline]
pub(crate) fn may_be_scoped() -> bool {
    SCOPED.load(Relaxed)
}

/// The process's `Caches`.
#[inline]
pub(crate) fn installed() -> &'static Caches {
    INSTALLED.get_or_init(super::environment::implicit)
}

pub(crate) fn install(caches: &Caches) -> Result<(), Error> {
    INSTALLED.set(caches.clone()).map_err(|_| {
        let what = "a `Caches` is in force for this process already: install one only, and before the first call of a cached function";
        Error::new(ErrorKind::Configuration, what)
    })
}

/// Lets `look` see what is in force, without cloning it. Called once.
#[inline]
pub(crate) fn with<R>(look: impl Fn(&Caches, Mode) -> R) -> R {
    if SCOPED.load(Relaxed) {
        let mut seen = None;
        with_scoped(&mut |caches, mode| seen = Some(look(caches, mode)));
        if let Some(seen) = seen {
            return seen;
        }
    }
    look(installed(), Mode::Normal)
}

/// Lets `look` see what the scope around has in force, if there is one. Apart, so that it is compiled once.
fn with_scoped(look: &mut dyn FnMut(&Caches, Mode)) {
    // Outside of any scope there is nothing to see.
    let _ = CONTEXT.try_with(|context| match &context.caches {
        Some(caches) => look(caches, context.mode),
        None => look(installed(), context.mode),
    });
}

/// The mode in force.
pub(crate) fn mode() -> Mode {
    if SCOPED.load(Relaxed) {
        CONTEXT.try_with(|context| context.mode).unwrap_or_default()
    } else {
        Mode::Normal
    }
}

pub(crate) fn scope<F: Future>(caches: Caches, work: F) -> impl Future<Output = F::Output> {
    let change = |outer| Context {
        caches: Some(caches),
        ..outer
    };
    enter(change, work)
}

/// Runs `work` with its calls of cached functions treated as `mode` says; writers write as ever. The mode reaches what
/// `work` awaits, not the tasks it spawns; inner modes replace outer ones. Dropping the returned future drops `work`.
///
/// ```
/// # use cached_runtime::{Mode, with_mode};
/// # async fn get_user(id: u64) -> u64 { id }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let fresh = with_mode(Mode::Refresh, get_user(42)).await;
/// # assert_eq!(fresh, 42);
/// # });
/// ```
pub fn with_mode<F: Future>(mode: Mode, work: F) -> impl Future<Output = F::Output> {
    enter(move |outer| Context { mode, ..outer }, work)
}

/// `work` under what is in force here, wherever it runs, each of its calls being a normal one.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> + use<F> {
    carrier().carry(work)
}

/// What is in force here, for work that runs elsewhere, and more than once.
pub(crate) struct Carrier(Context);

pub(crate) fn carrier() -> Carrier {
    let context = if may_be_scoped() {
        CONTEXT.try_with(Context::clone).unwrap_or_default()
    } else {
        Context::default()
    };
    let mode = Mode::Normal;
    Carrier(Context { mode, ..context })
}

impl Carrier {
    /// `work` under it, each of its calls being a normal one.
    pub(crate) fn carry<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        CONTEXT.scope(self.0.clone(), work)
    }
}

/// The one async function on the way: each would hold `work` once more.
async fn enter<F: Future>(change: impl FnOnce(Context) -> Context, work: F) -> F::Output {
    SCOPED.store(true, Relaxed);
    let outer = CONTEXT.try_with(Context::clone).unwrap_or_default();
    CONTEXT.scope(change(outer), work).await
}

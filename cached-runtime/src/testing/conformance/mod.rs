//! The laws of [`Store`], as tests that any store can be put to.
//!
//! A store that passes keeps every promise that the tiers above rely on; what it does not promise in its
//! [`Guarantees`] is not asked of it. The cases use keys of their own, so they may run at once and against a server
//! that is in use, and they take a few seconds together, since some wait for an expiry.
//!
//! ```
//! use std::sync::Arc;
//! use cached_runtime::{Store, stores::Null, testing::conformance};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let store: Arc<dyn Store> = Arc::new(Null); // or your own
//! for case in conformance::cases() {
//!     if let Err(why) = case.run(&store).await {
//!         println!("{case}: {why}");          // a store that keeps nothing breaks some laws
//!     }
//! }
//! # });
//! ```

mod bench;
mod concurrency;
mod expiry;
mod keys;
mod many;
mod patterns;
mod tokens;
mod touch;
mod values;

use std::fmt;
use std::sync::Arc;

use self::bench::Bench;
use crate::{BoxFuture, Guarantees, Store};

/// One law and the test of it.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    law: &'static str,
    needs: Needs,
    test: fn(&Bench) -> BoxFuture<'_, Result<(), String>>,
}

/// The guarantees without which a case means nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Tokens,
    Patterns,
    Both,
}

impl Case {
    /// A short name, the same in every version: `used_token`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The law, in one sentence.
    pub fn law(&self) -> &'static str {
        self.law
    }

    /// Whether a store with these guarantees is asked to keep this law.
    pub fn applies_to(&self, guarantees: Guarantees) -> bool {
        match self.needs {
            Needs::Nothing => true,
            Needs::Tokens => guarantees.tokens,
            Needs::Patterns => guarantees.patterns,
            Needs::Both => guarantees.tokens && guarantees.patterns,
        }
    }

    /// Puts `store` to the test; the error says what was done, what was expected and what came. A store that does
    /// not promise what the case is about passes.
    ///
    /// Must be called inside a tokio runtime with its timer on. Entries of a case that failed, or whose future was
    /// dropped, may remain in the store.
    pub async fn run(&self, store: &Arc<dyn Store>) -> Result<(), String> {
        if !self.applies_to(store.guarantees()) {
            return Ok(());
        }
        let bench = Bench::new(Arc::clone(store), self.name);
        (self.test)(&bench).await?;
        bench.clean().await
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.law)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("law", &self.law)
            .finish_non_exhaustive()
    }
}

/// Every case there is, the simplest first.
pub fn cases() -> impl Iterator<Item = Case> {
    [
        values::CASES,
        expiry::CASES,
        keys::CASES,
        tokens::CASES,
        many::CASES,
        touch::CASES,
        patterns::CASES,
        concurrency::CASES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Runs every case, all at once; the error lists the laws that are broken, each with what was seen.
pub async fn check(store: &Arc<dyn Store>) -> Result<(), String> {
    let running: Vec<_> = cases()
        .map(|case| {
            let store = Arc::clone(store);
            (case, tokio::spawn(async move { case.run(&store).await }))
        })
        .collect();
    let mut broken = Vec::new();
    for (case, outcome) in running {
        // A store that panics has broken the law too.
        if let Err(why) = outcome.await.unwrap_or_else(|panic| Err(panic.to_string())) {
            broken.push(format!("{case}: {why}"));
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join("\n"))
    }
}

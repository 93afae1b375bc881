//! A hit in memory allocates nothing but what the clone of the value does.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use cached_runtime::{Caches, cache};
use serde::{Deserialize, Serialize};

use crate::{caches, run};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
}

fn user(id: u64) -> Arc<User> {
    Arc::new(User {
        id,
        name: "x".repeat(100),
    })
}

/// Polls a call that hits: it is ready at once.
fn hit<F: Future>(call: F) -> F::Output {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a hit waits for nothing"),
    }
}

/// Fills by a first call, then counts what a thousand more allocate, and that again where one of them was told by chance to
/// start the thread that reads the clock, for the hits of all tests.
macro_rules! no_allocation {
    ($caches:expr, $call:expr) => {{
        let caches: &Caches = &$caches;
        run(caches, async {
            let _ = $call.await;
            let _ = hit($call);
            let count = || {
                measure(|| {
                    for _ in 0..1_000 {
                        let _ = hit($call);
                    }
                })
            };
            let counted = Some(count())
                .filter(|counted| counted.count_total == 0)
                .unwrap_or_else(count);
            assert_eq!(counted.count_total, 0, "{}: {counted:?}", stringify!($call));
        });
    }};
}

#[test]
fn what_is_allocated_is_seen() {
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
    run(&caches(), async {
        let call = || text("a");
        call().await;
        // The clone of a `String`.
        assert_eq!(measure(|| drop(hit(call()))).count_total, 1);
    });
}

#[cache(key = "text:{id}", backend = "local", ttl = "1h")]
async fn text(id: &str) -> String {
    id.repeat(10)
}

macro_rules! functions {
    ($module:ident, $($chain:tt)*) => {
        mod $module {
            use super::*;

            #[cache(backend = $($chain)*)]
            pub async fn number(id: u64) -> u64 {
                id
            }

            #[cache(backend = $($chain)*, ttl = "1h", jitter = "10%")]
            pub async fn number_by_text(id: &str) -> Option<u64> {
                Some(id.len() as u64)
            }

            #[cache(backend = $($chain)*, ttl = "1h")]
            pub async fn number_by_both(tenant: &str, id: u64) -> Result<u64, String> {
                Ok(id + tenant.len() as u64)
            }

            #[cache(backend = $($chain)*, ttl = "1h")]
            pub async fn user(id: u64) -> Result<Arc<User>, String> {
                Ok(super::user(id))
            }

            #[cache(backend = $($chain)*, ttl = "1h")]
            pub async fn user_by_text(id: &str) -> Option<Arc<User>> {
                Some(super::user(id.len() as u64))
            }

            #[cache(backend = $($chain)*, none_ttl = "1m")]
            pub async fn user_by_both(tenant: &str, id: u64) -> Result<Option<Arc<User>>, std::rc::Rc<str>> {
                Ok((tenant != "nobody").then(|| super::user(id)))
            }

            #[cache(backend = $($chain)*, single_flight = "off", cache_if = |user| user.id > 0)]
            pub async fn plain_user(id: u64) -> Arc<User> {
                super::user(id)
            }

            pub struct Repository;

            impl Repository {
                #[cache(backend = $($chain)*, skip(self))]
                pub async fn find(&self, id: u64) -> Arc<User> {
                    super::user(id)
                }
            }
        }
    };
}

functions!(local, "local");
functions!(chain, ["local", "far"]);

macro_rules! all {
    ($module:ident) => {{
        use $module::*;
        let caches = caches();
        no_allocation!(caches, number(42));
        no_allocation!(caches, number_by_text("some user's name, not a short one"));
        no_allocation!(caches, number_by_both("shop", 42));
        no_allocation!(caches, user(42));
        no_allocation!(caches, user_by_text("a"));
        no_allocation!(caches, user_by_both("shop", 42));
        no_allocation!(caches, user_by_both("nobody", 42));
        no_allocation!(caches, plain_user(42));
        no_allocation!(caches, Repository.find(42));
        // The longest that stays on the stack.
        let long = "x".repeat(100);
        no_allocation!(caches, number_by_text(&long));
    }};
}

#[test]
fn a_hit_in_memory_allocates_nothing() {
    all!(local);
}

#[test]
fn so_it_is_before_a_remote_store() {
    all!(chain);
}

/// Where no scope was ever entered it is the installed one; here it is handed over.
#[cache(backend = "local", caches = caches, skip(caches))]
async fn handed_over(caches: &Caches, id: u64) -> Result<Arc<User>, String> {
    Ok(user(id))
}

#[test]
fn so_it_is_with_caches_passed_by_hand() {
    let caches = caches();
    no_allocation!(caches, handed_over(&caches, 42));
}

#[test]
fn so_it_is_under_a_namespace() {
    let caches = Caches::builder()
        .namespace("a rather long namespace")
        .store("far", cached_runtime::stores::Null)
        .build()
        .unwrap();
    no_allocation!(caches, chain::user(42));
}

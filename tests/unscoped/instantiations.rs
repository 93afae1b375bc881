//! Functions that are more than one: what is known at their site is known of one of them.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::cache;

use crate::install;

static RUNS: AtomicU64 = AtomicU64::new(0);

/// What a type has to say, anew with each call.
trait Source: Send + Sync + 'static {
    type Value: Clone + PartialEq + Debug + Send + Sync + 'static;

    fn value(run: u64) -> Option<Self::Value>;
}

#[cache(backend = "local", ttl = "1h", none_ttl = "1h")]
async fn find<S: Source>(id: u64) -> Option<S::Value> {
    let _ = id;
    S::value(RUNS.fetch_add(1, SeqCst))
}

#[cache(backend = "local", cache_if = |_| true)]
async fn hooked<S: Source>(id: u64) -> Option<S::Value> {
    let _ = id;
    S::value(RUNS.fetch_add(1, SeqCst))
}

struct Repo<S>(S);

impl<S: Source> Repo<S> {
    #[cache(backend = "local", ttl = "1h", none_ttl = "1h", skip(self))]
    async fn find(&self, id: u64) -> Option<S::Value> {
        let _ = (id, &self.0);
        S::value(RUNS.fetch_add(1, SeqCst))
    }
}

struct Plain;

impl Plain {
    #[cache(backend = "local", ttl = "1h", skip(self))]
    async fn find(&self, id: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst) + id
    }

    #[cache(backend = "local", ttl = "1h", skip(self))]
    async fn find_all(&self, name: &str, id: u64) -> u64 {
        let _ = name;
        RUNS.fetch_add(1, SeqCst) + id
    }
}

/// Told apart by their closures where their types have one name.
#[cache(backend = "local", skip(source), cache_if = |_| true)]
async fn from<F: Fn() -> u64 + Send + Sync + 'static>(id: u64, source: F) -> u64 {
    id + source()
}

/// A type of this name among others of this name.
macro_rules! named {
    ($value:ty, $of:expr) => {{
        struct Named;
        impl Source for Named {
            type Value = $value;
            fn value(run: u64) -> Option<$value> {
                let of: fn(u64) -> Option<$value> = $of;
                of(run)
            }
        }
        Named
    }};
}

/// What calls answer, each twice: the second is a hit.
async fn asked<S: Source>(source: S) -> [Option<S::Value>; 2] {
    let repo = Repo(source);
    let answers = [find::<S>(1).await, repo.find(1).await];
    assert_eq!([find::<S>(1).await, repo.find(1).await], answers);
    answers
}

#[tokio::test]
async fn of_types_of_one_name_none_is_answered_with_what_is_anothers() {
    install();
    assert_eq!(asked(named!(i8, |_| None)).await, [None, None]);
    let text = asked(named!(String, |run| Some(run.to_string()))).await;
    assert!(text.iter().all(Option::is_some));
    let numbers = asked(named!(u64, Some)).await;
    assert!(numbers.iter().all(Option::is_some));
    assert_eq!(asked(named!(i16, |_| None)).await, [None, None]);
}

async fn both<S: Source>(_: S) -> (Option<S::Value>, Option<S::Value>) {
    (hooked::<S>(1).await, hooked::<S>(1).await)
}

#[tokio::test]
async fn what_closures_tell_apart_is_invalidated_and_kept_apart() {
    install();
    let (first, again) = both(named!(u64, Some)).await;
    assert_eq!(first, again);
    let (other, again) = both(named!(u64, Some)).await;
    assert_eq!(other, again);
    assert_ne!(other, first);

    let (ten, twenty) = (|| 10, || 20);
    assert_eq!((from(1, ten).await, from(1, twenty).await), (11, 21));
    assert_eq!(
        (from(1, || 30).await, from(1, ten).await, from(1, twenty).await),
        (31, 11, 21)
    );
}

struct Other;
struct Another;

impl Source for Other {
    type Value = u64;

    fn value(run: u64) -> Option<u64> {
        Some(run)
    }
}

impl Source for Another {
    type Value = u64;

    fn value(run: u64) -> Option<u64> {
        Some(run)
    }
}

#[tokio::test]
async fn methods_have_the_entries_of_their_type() {
    install();
    let first = (Plain.find(1).await, Plain.find_all("a", 1).await);
    assert_eq!((Plain.find(1).await, Plain.find_all("a", 1).await), first);
    assert_eq!(Plain::find_entry(1).get().await.unwrap(), Some(first.0));
    assert_eq!(Plain::find_all_entry("a", 1).get().await.unwrap(), Some(first.1));
    assert!(Plain::find_entry(1).key().to_string().ends_with("Plain::find:1"));

    Plain::find_entry(1).invalidate().await.unwrap();
    Plain::find_all_entry("a", 1).invalidate().await.unwrap();
    let second = (Plain.find(1).await, Plain.find_all("a", 1).await);
    assert!(second.0 != first.0 && second.1 != first.1);

    let (other, another) = (Repo(Other).find(1).await, Repo(Another).find(1).await);
    assert_ne!(other, another);
    Repo::<Other>::find_entry(1).invalidate().await.unwrap();
    assert_eq!(Repo(Another).find(1).await, another);
    assert_ne!(Repo(Other).find(1).await, other);
}

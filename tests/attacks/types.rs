//! Odd types and odd signatures.

#![expect(unused_variables, reason = "what is odd is how they are written")]

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{KeyPart, cache, invalidate};
use serde::{Deserialize, Serialize};

use crate::odd::Odd;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nothing;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Void {}

/// Leads back into itself every way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tree {
    name: String,
    left: Option<Box<Tree>>,
    right: Vec<Tree>,
    by_name: BTreeMap<String, Tree>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Wraps(Box<Kind>),
    Tree(Box<Tree>),
    Leaf,
}

#[cache(backend = ["local", "odd"], key = "t1:{id}")]
async fn nothing(id: u64) -> Nothing {
    Nothing
}

#[cache(backend = ["local", "odd"], key = "t2:{id}")]
async fn void(id: u64) -> Result<Void, u64> {
    Err(id)
}

#[cache(backend = "odd", key = "t3:{id}")]
async fn tree(id: u64) -> Tree {
    let leaf = Tree {
        name: String::new(),
        left: None,
        right: Vec::new(),
        by_name: BTreeMap::new(),
        kind: Kind::Leaf,
    };
    Tree {
        name: id.to_string(),
        left: Some(Box::new(leaf.clone())),
        right: vec![leaf.clone(), leaf.clone()],
        by_name: [("a".to_owned(), leaf.clone())].into(),
        kind: Kind::Wraps(Box::new(Kind::Tree(Box::new(leaf)))),
    }
}

#[cache(backend = "odd", key = "t5:{id}")]
async fn megabytes(id: u64) -> Vec<u8> {
    vec![7; 16 << 20]
}

#[cache(backend = "local", key = "t6:{id}")]
async fn erased(id: u64) -> Arc<dyn Any + Send + Sync> {
    Arc::new(id)
}

#[cache(backend = "local", key = "t7:{id}")]
async fn functions(id: u64) -> fn(&str) -> &str {
    str::trim
}

#[cache(backend = "local", key = "t8:{id}")]
async fn boxed_strs(
    id: u64,
) -> (
    Box<str>,
    Arc<[u8]>,
    Cow<'static, str>,
    [u64; 0],
    std::marker::PhantomData<str>,
) {
    (
        "a".into(),
        Arc::new([1]),
        Cow::Borrowed("c"),
        [],
        std::marker::PhantomData,
    )
}

#[cache(backend = "odd", key = "t9:{id}")]
async fn arrays(id: u64) -> [Option<Option<u64>>; 3] {
    [None, Some(None), Some(Some(id))]
}

#[tokio::test]
async fn odd_values() {
    let odd = Odd::new();
    odd.caches()
        .scope(async {
            for _ in 0..3 {
                assert_eq!(nothing(1).await, Nothing);
                assert_eq!(void(1).await.unwrap_err(), 1);
                let tree = tree(1).await;
                assert_eq!(tree.right.len(), 2);
                assert_eq!(megabytes(1).await.len(), 16 << 20);
                assert_eq!(erased(1).await.downcast_ref::<u64>(), Some(&1));
                assert_eq!(functions(1).await(" a "), "a");
                assert_eq!(&*boxed_strs(1).await.0, "a");
                assert_eq!(arrays(1).await, [None, Some(None), Some(Some(1))]);
            }
            assert_eq!(tree_cache().stats().loads, 1);
            assert_eq!(megabytes_cache().stats().loads, 1);
            assert_eq!(arrays_cache().stats().loads, 1);
        })
        .await;
}

#[expect(non_camel_case_types, reason = "a type in the way of a prelude's")]
type u64_ = u64;

#[cache(backend = "local", key = "t10:{a}:{b}", skip(f, g, any))]
#[must_use]
#[deprecated = "for the test"]
#[doc(hidden)]
async fn signature<'s, 't: 's, A, F, const N: usize>(
    #[allow(unused)] a: A,
    mut b: [u8; N],
    f: F,
    g: &'s dyn for<'x> Fn(&'x str) -> &'x str,
    any: impl Display + Send + 't,
) -> Vec<u8>
where
    A: KeyPart + Clone + Send + 's,
    F: AsyncFn(u64_) -> u64,
    for<'x> &'x A: Debug,
{
    b.reverse();
    let first = f(1).await;
    let _ = (g("x"), any.to_string(), first);
    b.to_vec()
}

#[tokio::test]
#[expect(deprecated, reason = "so it is marked")]
async fn an_odd_signature() {
    Odd::new()
        .caches()
        .scope(async {
            for _ in 0..2 {
                let it = signature("a", [1, 2, 3], async |x| x + 1, &|x| x, "any").await;
                assert_eq!(it, [3, 2, 1]);
            }
        })
        .await;
}

macro_rules! methods {
    ($type:ident, $($name:ident)*) => {
        impl $type {
            $(
                #[cache(backend = "local", skip(self, runs))]
                async fn $name(&self, runs: &AtomicU64, id: u64) -> String {
                    runs.fetch_add(1, SeqCst);
                    format!("{} {id}", stringify!($name))
                }
            )*
        }
    };
}

struct Generated;
methods!(Generated, one two r#type);

mod deep {
    pub(super) mod er {
        use cached_runtime::cache;

        /// Nobody outside can name it.
        #[derive(Clone, Debug, PartialEq)]
        struct Private(u64);

        pub(in crate::types) async fn ask(id: u64) -> u64 {
            private(id).await.0
        }

        #[cache(backend = "local")]
        async fn private(id: u64) -> Private {
            Private(id)
        }
    }
}

/// Two of one name, in blocks of one function.
async fn blocks(id: u64) -> (u64, u64) {
    let a = {
        #[cache(backend = "local")]
        async fn inner(id: u64) -> u64 {
            id + 1
        }
        inner(id).await
    };
    let b = {
        #[cache(backend = "local", name = "second", key = "second:{id}")]
        async fn inner(id: u64) -> u64 {
            id + 2
        }
        inner(id).await
    };
    (a, b)
}

#[tokio::test]
async fn odd_places() {
    let runs = AtomicU64::new(0);
    Odd::new()
        .caches()
        .scope(async {
            for _ in 0..2 {
                assert_eq!(Generated.one(&runs, 1).await, "one 1");
                assert_eq!(Generated.two(&runs, 1).await, "two 1");
                assert_eq!(Generated.r#type(&runs, 1).await, "r#type 1");
                assert_eq!(deep::er::ask(1).await, 1);
                assert_eq!(blocks(1).await, (2, 3));
            }
            assert_eq!(runs.load(SeqCst), 3);
        })
        .await;
}

#[cache(backend = "local", key = "t11:{pair}:{nested}:{deep}", skip(runs))]
async fn lookalikes(
    runs: &AtomicU64,
    pair: (String, String),
    nested: Option<Option<Option<u8>>>,
    deep: ((), (u8,), ((u8, u8), u8)),
) -> u64 {
    runs.fetch_add(1, SeqCst)
}

#[tokio::test]
async fn keys_that_look_alike() {
    let runs = AtomicU64::new(0);
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    Odd::new()
        .caches()
        .scope(async {
            let mut seen = std::collections::HashSet::new();
            let deep = |a, b, c, d| ((), (a,), ((b, c), d));
            for texts in [
                pair("", ""),
                pair(",", ""),
                pair("", ","),
                pair("(,", ")"),
                pair("%N", ""),
                pair("%2C", ""),
                pair("a,b", ""),
                pair("a", "b"),
                pair("a", "b,"),
            ] {
                for nested in [None, Some(None), Some(Some(None)), Some(Some(Some(0)))] {
                    for deep in [
                        deep(0, 0, 0, 0),
                        deep(0, 0, 0, 1),
                        deep(0, 0, 1, 0),
                        deep(1, 0, 0, 0),
                    ] {
                        assert!(seen.insert(lookalikes(&runs, texts.clone(), nested, deep).await));
                    }
                }
            }
        })
        .await;
}

/// A writer whose arguments are as odd.
#[invalidate(lookalikes(pair, nested, ((), (0,), ((0, 0), 0))), key = "t10:{r#in}:(1,2,3,)")]
async fn odd_writer(
    mut pair: (String, String),
    nested: Option<Option<Option<u8>>>,
    r#in: &str,
    _: u8,
) -> u64 {
    pair.0.clear();
    1
}

#[tokio::test]
async fn an_odd_writer() {
    let runs = AtomicU64::new(0);
    Odd::new()
        .caches()
        .scope(async {
            let pair = ("a".to_owned(), "b".to_owned());
            let deep = ((), (0,), ((0, 0), 0));
            assert_eq!(lookalikes(&runs, pair.clone(), None, deep).await, 0);
            odd_writer(pair.clone(), None, "x", 1).await;
            assert_eq!(lookalikes(&runs, pair.clone(), None, deep).await, 1);
        })
        .await;
}

//! `codec`, `version`, `compress`: how remote stores see the value.

use cached_runtime::cache;
use serde::{Deserialize, Serialize};

use crate::far::Far;
use crate::world::{Runs, builder, world};
use cached_runtime::testing::ManualClock;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    bio: String,
}

macro_rules! coded {
    ($($name:ident: $codec:literal;)+) => {$(
        #[cache(codec = $codec, skip(runs), backend = ["local", "far"])]
        async fn $name(runs: &Runs, id: u64) -> Option<User> {
            runs.next();
            Some(User { id, bio: "words ".repeat(100) })
        }
    )+};
}

coded! {
    in_bincode: "bincode";
    in_postcard: "postcard";
    in_messagepack: "messagepack";
    in_json: "json";
}

#[tokio::test]
async fn each_codec_carries_values_between_processes() {
    let (clock, far) = (ManualClock::new(), Far::default());
    let runs = Runs::default();
    for _ in 0..2 {
        let caches = builder(&clock, &far).build().unwrap();
        caches
            .scope(async {
                let expected = User {
                    id: 3,
                    bio: "words ".repeat(100),
                };
                assert_eq!(in_bincode(&runs, 3).await.as_ref(), Some(&expected));
                assert_eq!(in_postcard(&runs, 3).await.as_ref(), Some(&expected));
                assert_eq!(in_messagepack(&runs, 3).await.as_ref(), Some(&expected));
                assert_eq!(in_json(&runs, 3).await.as_ref(), Some(&expected));
            })
            .await;
    }
    assert_eq!(runs.count(), 4);
    let json = far.bytes("surface::arguments::remote::in_json:3").unwrap();
    assert!(String::from_utf8_lossy(&json).contains(r#""bio":"words"#));
}

/// One cache seen by two versions of a program: same name, same keys, another `version`.
mod versions {
    macro_rules! version {
        ($module:ident, $($version:tt)*) => {
            pub(super) mod $module {
                use crate::world::Runs;
                use cached_runtime::cache;

                #[cache(skip(runs), backend = "far" $($version)*)]
                pub(crate) async fn settings(runs: &Runs, id: u64) -> u64 {
                    let _ = id;
                    runs.next()
                }
            }
        };
    }
    version!(none,);
    version!(second, , version = 2);
}

#[tokio::test]
async fn a_version_is_accepted_and_carried() {
    world(async |world| {
        let runs = Runs::default();
        assert_eq!(versions::none::settings(&runs, 1).await, 1);
        assert_eq!(versions::second::settings(&runs, 1).await, 2);
        assert_eq!(versions::second::settings(&runs, 1).await, 2);
        assert_eq!(world.far.present().len(), 2);
    })
    .await;
}

#[cache(compress = "1KiB", backend = "far")]
async fn compressed(len: usize) -> String {
    "x".repeat(len)
}

#[cache(compress = 64, codec = "json", version = 3, backend = ["moka", "far"])]
async fn compressed_in_json(len: usize) -> String {
    "x".repeat(len)
}

#[tokio::test]
async fn large_values_are_small_in_the_store() {
    world(async |world| {
        for len in [100, 10_000] {
            for _ in 0..2 {
                assert_eq!(compressed(len).await.len(), len);
                assert_eq!(compressed_in_json(len).await.len(), len);
            }
        }
        let size = |key: &str| {
            world
                .far
                .bytes(&format!("surface::arguments::remote::{key}"))
                .unwrap()
                .len()
        };
        assert!(size("compressed:100") > 100);
        assert!(size("compressed:10000") < 1_000);
        assert!(size("compressed_in_json:100") < 160);
        assert!(size("compressed_in_json:10000") < 1_000);
        assert_eq!(compressed_cache().stats().loads, 2);
    })
    .await;
}

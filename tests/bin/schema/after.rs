//! The second build of a program: the same functions by name and key, and some other types.

mod driver;

use cached_runtime::cache;
use driver::{call, loaded};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Size {
    height: u32,
    width: u32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
enum State {
    Closed,
    Open,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Added {
    id: u64,
    note: Option<String>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Retyped {
    number: i32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Renamed {
    id: u64,
    name: String,
}

macro_rules! functions {
    ($($function:ident $name:literal: $value:ty = $made:expr, $codec:literal;)*) => {
        $(
            #[cache(name = $name, key = $name, ttl = "1h", backend = "redis", codec = $codec)]
            async fn $function() -> $value {
                loaded();
                $made
            }
        )*

        async fn call_all() {
            $(call($name, $made, $function()).await;)*
        }
    };
}

functions! {
    swapped_bincode "swapped-bincode": Size = size(), "bincode";
    swapped_postcard "swapped-postcard": Size = size(), "postcard";
    swapped_messagepack "swapped-messagepack": Size = size(), "messagepack";
    swapped_json "swapped-json": Size = size(), "json";
    reordered_bincode "reordered-bincode": Vec<State> = vec![State::Open, State::Closed], "bincode";
    added_bincode "added-bincode": Added = Added { id: 7, note: None }, "bincode";
    added_json "added-json": Added = Added { id: 7, note: None }, "json";
    retyped_postcard "retyped-postcard": Retyped = Retyped { number: 9 }, "postcard";
    unchanged "unchanged": Vec<Option<String>> = vec![None, Some("a".to_owned())], "bincode";
    recoded "recoded": Size2 = Size2 { width: 1, height: 2 }, "json";
    type_renamed "type-renamed": Renamed = Renamed { id: 1, name: "Ada".to_owned() }, "bincode";
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Size2 {
    width: u32,
    height: u32,
}

fn size() -> Size {
    Size { width: 1, height: 2 }
}

#[cache(
    name = "versioned",
    key = "versioned",
    ttl = "1h",
    backend = "redis",
    version = 1
)]
async fn versioned() -> u64 {
    loaded();
    3
}

#[tokio::main]
async fn main() {
    call_all().await;
    call("versioned", 3, versioned()).await;
}

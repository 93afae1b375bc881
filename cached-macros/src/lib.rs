//! The attributes of `cached-runtime`. Depend on that crate, which re-exports them with their documentation.
//!
//! An expansion goes through these modules in order; each knows only those before it, and `expand`, the driver, knows them all.

mod args;
mod check;
mod derive;
mod expand;
mod function;
mod mistakes;
mod names;
mod plan;
mod template;
mod words;

use proc_macro::TokenStream;

/// Keeps what an async function returns, by the arguments it is called with.
///
/// On a free function or a method that is an `async fn`, returns `impl Future`, or has been rewritten by
/// `#[async_trait]`. It returns `T`, `Option<T>`, `Result<T, E>` or `Result<Option<T>, E>`; `Err` is never kept, and
/// `None` only under `none_ttl`. All arguments can be left out.
///
/// | argument | meaning | default |
/// |---|---|---|
/// | `key = "user:{id}"` | template over arguments and their fields: `{id}`, `{user.id}`, `{self.tenant}` | path of the function, then every argument |
/// | `skip(db, self)` | arguments that are not part of the key; every other one must be in it | none |
/// | `name = "users"` | the cache's name in statistics | path of the function |
/// | `ttl = "1h30m"`, `ttl = \|value\| duration` | life after a fill; units `w d h m s ms us ns` | none |
/// | `idle = "10m"` | life after the last read, within the ttl; tiers below are told of reads at a quarter of it | none |
/// | `expires = \|value\| time` | the end of this value, a `SystemTime`; with `ttl`, whichever comes first | none |
/// | `refresh = "80%"`, `"45m"` | a hit on an entry of this age (a part of its ttl, or a duration) starts a load in the background | none; 80% under `refresh_ahead` |
/// | `stale = "5m"` | for so long after its ttl an entry is served as it is, and each hit may start a load in the background | none |
/// | `jitter = "10%"` | up to this much is taken off each ttl at random | 0 |
/// | `none_ttl = "30s"` | keep `None` this long | not kept |
/// | `cache_if = \|value\| bool` | keep only these values | all |
/// | `backend = "redis"`, `["local", "redis"]`, `PATH` | the chain of stores, fastest first; `PATH` is a `const` slice or array of `&str` | that of the `Caches` in force |
/// | `tier("local", ttl = "30s", capacity = 10_000)` | settings of one store of the chain (`ttl`, `capacity`, `max_bytes`); repeatable | the function's own |
/// | `capacity = 10_000` | bound of the memory tier in entries | 10,000 |
/// | `max_bytes = "64MiB"`, `weight = \|key, value\| bytes` | bound of the memory tier in bytes | none |
/// | `strategy = "write_through"` | `cache_aside` (or `read_through`), `write_through`, `refresh_ahead` | `cache_aside` |
/// | `single_flight = "off"` | whether the callers of one key in a process share a load: `process`, `off` | `process` |
/// | `share_error = \|error\| error` | how those who waited get the error of a failed load | by `Clone` or `From<LoadFailed>` |
/// | `codec = "json"` | how remote stores keep values: `bincode`, `postcard`, `messagepack`, `json` | `bincode` |
/// | `version = 2` | a value kept under another version is a miss | 0 |
/// | `compress = "1KiB"` | compress values from this size on | off |
/// | `caches = expr` | the `Caches` to use; companions then take `&Caches` first | the one in force |
/// | `companions = false` | emit nothing beside the function: inside the `impl` of a trait | `true` |
/// | `in_impl = true` | the function is in an `impl`, where neither a receiver nor `Self` says so | found out |
/// | `crate = path` | where `cached_runtime` is found | `::cached_runtime` |
///
/// A load in the background runs on copies of what its call has borrowed, made when it starts: `&T` and `&self` by
/// `Clone`, `&str` as a `String`, `&[T]` as a `Vec<T>`; the rest is moved. So `&mut T`, and what is borrowed inside of an
/// argument, is refused with `refresh` and `stale`, and what cannot be copied or sent to another thread does not
/// compile. There is one at a time for a key and 32 for a function, and none outside of a tokio runtime. It runs under the
/// `Caches` in force at its call, ends no earlier than the runtime, and is waited for by `Caches::settle`. If it fails the
/// entry stays as it is, and is left alone for ten times as long as that took.
///
/// Beside a function `f` stand `f_entry(..)`, the entry of the given key arguments; `f_cache()`, all of its entries;
/// and `f_uncached(..)`, its body. They are as visible as `f` is. Their signatures read a return type whose last
/// segment is `Result` or `Option` as it is spelled, and ask the type otherwise; where type parameters are in the way
/// it is read as a plain value (inside of an `impl`, a single capital letter is taken for a parameter), and a type
/// that is read wrongly does not compile.
///
/// The parameters of a generic function are part of its keys: `f_entry::<T>(..)`.
#[proc_macro_attribute]
pub fn cache(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::cache(args.into(), &item.into()).into()
}

/// Removes entries after an async function has succeeded.
///
/// | target | what is removed |
/// |---|---|
/// | `get_user(id)`, `users::get_user(id)`, `Posts::recent(id)` | the entry of these key arguments |
/// | `self.profile(id)` | the same, of a method whose key uses `self`; for others write `Self::profile(id)` |
/// | `list_users(..)` | every entry of that function |
/// | `get_user(output.id)` | `output` is the returned value, inside of `Ok` and `Some`; nothing for a `None` |
/// | `key = "user:{id}"` | the entry with this key, whichever function owns it |
/// | `pattern = "user:{id}:*"` | the entries whose keys match; values match literally. Not where a store cannot find keys by pattern, as Memcached cannot: `Caches::builder` refuses that |
///
/// Several targets stand in one attribute, and several attributes on one function. `when = "before"` removes before
/// the body, `when = "always"` after it also if it failed; `output` goes with neither. `caches = expr` says where
/// `key` and `pattern` look, `crate = path` where the runtime is found.
///
/// Keys are rendered before the body runs, so it may consume its arguments; in a call that mentions `output` the other
/// arguments are copied before. A function is named by the path beside which its companions are reachable: after `use
/// users::get_user`, write `users::get_user(id)`. A function that is dropped or panics after its body has begun still
/// removes, in the background.
#[proc_macro_attribute]
pub fn invalidate(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::invalidate(args.into(), &item.into()).into()
}

/// Makes a type part of a key.
///
/// | type | its text |
/// |---|---|
/// | tuple struct of one field: `struct UserId(u64)` | the field's: `7` |
/// | any other struct: `struct Page { tenant: u64, tag: String }` | its fields in order: `(7,news,)` |
/// | variant without fields | its name: `All` |
/// | variant with fields: `Owner(u64)` | its name, then its fields: `(Owner,7,)` |
///
/// So reordering fields and renaming variants change keys, and renaming fields does not. Every field must be a
/// `KeyPart`; a type parameter is bounded where a field needs it. `#[key_part(crate = path)]` says where the runtime is
/// found if not at `::cached_runtime`.
#[proc_macro_derive(KeyPart, attributes(key_part))]
pub fn key_part(item: TokenStream) -> TokenStream {
    derive::expand(&syn::parse_macro_input!(item as syn::DeriveInput)).into()
}

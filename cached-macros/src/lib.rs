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
mod surroundings;
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
/// | `ttl = "1h30m"`, `ttl = \|value\| duration` | life after a fill; units `w d h m s ms us ns`. In memory up to 10 ms longer, or 15 under millions of hits a second: its clock is coarse | none |
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
/// | `strategy = "write_through"` | `cache_aside` (or `read_through`), `write_through`, `write_behind`, `refresh_ahead` | `cache_aside` |
/// | `single_flight = "off"` | whether the callers of one key in a process share a load: `process`, `off` | `process` |
/// | `share_error = \|error\| error` | how those who waited get the error of a failed load | by `Clone`, by wrapping it (`anyhow`), or by `From<LoadFailed>`; else each loads by itself |
/// | `codec = "json"` | how remote stores keep values: `bincode`, `postcard`, `messagepack`, `json` | `bincode` |
/// | `version = 2` | a value kept under another version is a miss | 0 |
/// | `compress = "1KiB"` | compress values from this size on | off |
/// | `caches = expr` | the `Caches` to use; companions then take `&Caches` first | the one in force |
/// | `companions = false` | emit nothing beside the function: inside the `impl` of a trait | `true` |
/// | `in_impl = true` | the function is in an `impl`, where neither a receiver nor `Self` says so | found out |
/// | `entries(get_user(id) for id in ids)` | a batch over the entries of another cached function: see below | |
/// | `crate = path` | where `cached_runtime` is found | `::cached_runtime` |
///
/// A load in the background runs on copies of what its call has borrowed, made when it starts: `&T` and `&self` by
/// `Clone`, `&str` as a `String`, `&[T]` as a `Vec<T>`; the rest is moved. So `&mut T`, and what is borrowed inside of an
/// argument, is refused with `refresh` and `stale`, and what cannot be copied or sent to another thread does not
/// compile. There is one at a time for a key and 32 for a function, not counting those that have been under way for a minute,
/// and none outside of a tokio runtime. It runs under the `Caches` in force at its call, ends with the runtime at the latest, and is
/// waited for by `Caches::settle`. If it fails the entry stays as it is, and is left alone for ten times as long as that took, or
/// until it has another value by this process.
///
/// Beside a function `f` stand `f_entry(..)`, the entry of the given key arguments; `f_cache()`, all of its entries;
/// and `f_uncached(..)`, its body. They are as visible as `f` is. Their signatures read a return type whose last
/// segment is `Result` or `Option` as it is spelled, and ask the type otherwise; where type parameters are in the way
/// it is read as a plain value (inside of an `impl`, a single capital letter is taken for a parameter), and a type
/// that is read wrongly does not compile.
///
/// The parameters of a generic function are part of its keys: `f_entry::<T>(..)`.
///
/// # Batches
///
/// ```ignore
/// #[cache(key = "user:{id}", ttl = "1h", skip(db))]
/// async fn get_user(db: &Db, id: u64) -> Result<Option<User>, DbError> { /* one query */ }
///
/// #[cache(entries(get_user(id) for id in ids), skip(db))]
/// async fn get_users(db: &Db, ids: &[u64]) -> Result<HashMap<u64, User>, DbError> { /* one query for these ids */ }
/// ```
///
/// The function is named as in `#[invalidate]`, and its entries are the ones that single calls fill and find. Each tier is
/// looked in once for all ids (in requests of up to 1,000 keys, each with the store's time budget), and the body runs for
/// those that are nowhere, each once, in the order in which they came first. What it returns is stored in one request for
/// each tier. Without ids it does not run.
///
/// `id` is a reference to one of `ids`, which come as `&[T]`, `Vec<T>`, `&Vec<T>`, a `VecDeque`, a `HashSet` or a
/// `BTreeSet` of what is `Clone`. Every other argument is passed to the cached function or skipped. What is returned is a
/// map, or a `Result` of one: a `HashMap`, a `BTreeMap`, a `Vec` of pairs, or what else is made of pairs and can be taken
/// apart into them. Its keys are the ids or their owned form, `Eq + Hash`, and its values those that the cached function
/// keeps. An id that the body leaves out is one that has no value, as if a single call had returned `None`: under the
/// `none_ttl` of the cached function that is kept. An id that was not asked for is ignored.
///
/// A key that somebody is loading is waited for and not loaded again, and single calls wait for a batch, which loads what
/// is its own before it waits for others. If its body returns an error nothing is kept, and those who wait get the error
/// where theirs is of the same type and can be shared; otherwise, or where they have no way to say that there is no value,
/// one of them loads for the rest. So does a batch that cannot return the error of somebody else's load: its body runs once
/// more, for those ids, which is why arguments taken by value are `Clone`. An error that it can return it returns, though
/// other ids were found.
///
/// `skip`, `caches` (passed to the cached function first), `companions = false`, `in_impl` and `crate` go with `entries`;
/// everything else is said where the cached function is. The one companion is `f_uncached(..)`. In the statistics of the
/// cached function each id counts as a call of its own would; a run of the body is a load of each id that it runs for.
/// Under `Mode::Refresh` the body runs for all ids, each once, and under `Mode::Off` for all as they are. An entry that is due
/// to be loaded anew (`refresh`, `stale`) is served to a batch as it is; the next single call loads it.
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
/// users::get_user`, write `users::get_user(id)`. Where the compiler cannot find an `f_entry` or an `f_cache`, `f` is misspelt,
/// has no `#[cache]`, or is named by another path than that. A function that is dropped or panics after its body has begun
/// still removes, in the background.
///
/// Of a cached function under `write_behind`, what is pending of these entries is run before the body, and waited for with
/// its retries, so that no write comes after the removal; where the key is made of `output`, after the body. Dropped meanwhile, the
/// function has not begun. Inside of the body of such a write nothing is waited for.
#[proc_macro_attribute]
pub fn invalidate(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::invalidate(args.into(), &item.into()).into()
}

/// Gives entries new values after an async function has succeeded.
///
/// | form | what is stored |
/// |---|---|
/// | `get_user(user.id)` | what this function returns, inside of `Ok` and `Some` |
/// | `get_user(user.id) = user.clone()` | this value: any expression of arguments and of `output`, the returned value |
/// | `get_user(output.id)`, `get_user(output.id) = output.clone()` | the same in an entry that the returned value names |
/// | `entries(get_user(user.id) = user.clone() for user in users)` | these values: one for each item of an argument, or of `output` |
///
/// The cached function is named, and its key arguments are checked, as in [`macro@invalidate`]; the value must be of the
/// type that it keeps. Several targets stand in one attribute, and several attributes on one function, `#[invalidate]`
/// among them.
///
/// What happens is the `strategy` of the cached function:
///
/// | `strategy` | once the body has run, and unless it returned an `Err` |
/// |---|---|
/// | `cache_aside`, `read_through`, `refresh_ahead` | the entry is removed from every tier, so that the next read loads |
/// | `write_through` | the value is put into every tier, for the function's ttl. The entry is removed instead where `cache_if` refuses the value, and where a `None` is returned and there is no `none_ttl` |
/// | `write_behind` | see below |
///
/// The function returns when that is done. A put that overlaps another put or an invalidation of the same entry, in this
/// process or in another, becomes a removal, and so does one that a store does not take. What counts is the time from
/// before the body begins. A key made of `output` is not known then, so what other processes do meanwhile cannot be seen:
/// the value goes into memory, and is removed from the stores below.
///
/// Keys are rendered, and values are made, before the body runs, so it may consume its arguments; for a value that
/// mentions `output` the arguments in it are copied before. A function that is dropped or panics after its body has begun
/// removes the entry, in the background. `crate = path` says where the runtime is found.
///
/// # Many
///
/// With `entries(.. for item in items)` every item of the list has an entry, and all of them are removed or put together, in
/// requests of up to a thousand for each store. In key and value `item` is a reference, beside the arguments. `items` is an
/// argument: a slice, an array, a `Vec`, a `VecDeque`, a `HashSet` or a `BTreeSet`, owned or borrowed; or it is `output`, if the function
/// returns such a list. Overlaps are judged entry by entry. Of items of one key the last counts.
///
/// # Write-behind
///
/// `#[update(get_user(user.id) = user.clone(), strategy = "write_behind")]` on a writer of a cached function that says the
/// same: the call stores the value and returns, and the body runs later.
///
/// | argument | meaning | default |
/// |---|---|---|
/// | `queue = 10_000` | how many writes of this function may wait; a full queue makes the call wait | 10,000 |
/// | `retries = 5` | how often a run that failed is repeated, after pauses of 100 ms that double up to 10 s | 5 |
/// | `concurrency = 16` | how many bodies run at a time for the cached function | 16 |
/// | `batch = 500` | with `entries(..)`: how many items one run gets at most, no more than `queue` | 100 |
/// | `every = "200ms"` | with `entries(..)`: how long the first of them waits for others | 100 ms |
///
/// With `entries(..)` each item is a write, and one run of the body gets those of several calls, in a list as the function
/// takes it, each key once, with the other arguments of the newest of these calls. It begins when there are `batch` of them, and
/// `every` after the first came at the latest. A run that fails is repeated for all of its items but those that newer ones have
/// replaced. Items are copied by `Clone`, and are `Send + 'static`; the list is none of the arrays. No items, no run.
///
/// It returns `()` or `Result<(), E>`, and names one entry, whose key and value are made of arguments. Arguments are taken
/// along: what is borrowed is copied by `ToOwned`, once, and the rest by `Clone`, for every run. A write that has not begun to run gives way to
/// a newer one of the same function and key; bodies of one key run in order. Reads see the newest value. The future of the
/// call may be dropped: while it waits for room nothing is written, of a list what had room, and afterwards all is. What a run fails or panics with
/// goes to `CachesBuilder::on_failed_write` once there are no retries left, and the entry is removed. Outside of a tokio
/// runtime with timers, and after `Caches::shutdown`, the body runs first and the call returns what it returns.
///
/// Other `#[invalidate]` and `#[update]` on the function act when the body has run.
#[proc_macro_attribute]
pub fn update(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::update(args.into(), &item.into()).into()
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

//! Under the strictest lints.

#![deny(warnings, missing_docs, unused, nonstandard_style, future_incompatible, rust_2018_idioms)]
#![deny(unreachable_pub, unused_qualifications, single_use_lifetimes, unused_lifetimes, elided_lifetimes_in_paths)]
#![deny(trivial_casts, trivial_numeric_casts, let_underscore, unused_results, missing_debug_implementations)]
#![deny(clippy::all, clippy::pedantic, clippy::shadow_same, clippy::redundant_locals)]
#![forbid(unsafe_code)]

/// A module that is shown.
pub mod shop {
    use cached_runtime::{cache, invalidate, update};
    use std::collections::HashMap;

    /// Somebody.
    #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
    pub struct User {
        /// Who.
        pub id: u64,
    }

    /// Finds somebody.
    ///
    /// # Errors
    ///
    /// If there is nobody.
    #[cache(key = "user:{id}:{name}", ttl = "1h", jitter = "5%", cache_if = |user| user.id > 0, skip(db))]
    pub async fn user(db: &str, id: u64, name: &str) -> Result<User, String> {
        if db == name { Err(db.to_owned()) } else { Ok(User { id }) }
    }

    /// Finds somebody, by arguments whose names are allowed to be what they are.
    #[allow(non_snake_case)]
    #[cache(key = "odd:{userId}:{a__b}:{r#type}", ttl = "1h")]
    pub async fn odd(userId: u64, a__b: u64, r#type: u64) -> u64 {
        userId + a__b + r#type
    }

    /// The same, allowed one by one, and loaded again in the background.
    #[cache(ttl = "1h", refresh = "1m")]
    pub async fn odder(#[allow(non_snake_case)] userId: u64) -> u64 {
        userId
    }

    /// Finds several.
    ///
    /// # Errors
    ///
    /// If there is nobody.
    #[cache(entries(user(id, name) for id in ids), skip(db, owned))]
    pub async fn users(db: &str, owned: String, ids: &[u64], name: &str) -> Result<HashMap<u64, User>, String> {
        if db == name || owned.is_empty() { Err(db.to_owned()) } else { Ok(ids.iter().map(|&id| (id, User { id })).collect()) }
    }

    /// A user that is loaded anew.
    ///
    /// # Errors
    ///
    /// None.
    #[cache(key = "again:{id}:{name}", ttl = "1h", refresh = "80%", stale = "5m", idle = "10m", skip(db, _tags))]
    pub async fn again(db: &str, id: u64, name: &str, mut _tags: Vec<String>) -> Result<User, String> {
        if db == name { Err(db.to_owned()) } else { Ok(User { id }) }
    }

    /// How long a name is.
    #[cache(ttl = "1h", strategy = "refresh_ahead")]
    pub fn length<'a>(name: &'a str) -> impl Future<Output = usize> + Send + 'a {
        async move { name.len() }
    }

    /// A body of one line.
    #[cache(key = "line:{id}", ttl = "1h", caches = caches, skip(caches))]
    pub async fn line(caches: &cached_runtime::Caches, id: u64) -> u64 { id }

    /// Another.
    #[invalidate(key = "line:{id}")]
    pub async fn removed(id: u64) -> u64 { id }

    /// A third.
    #[cached_runtime::update(key_of(id) = id)]
    pub async fn stored(id: u64) -> u64 { id }

    /// A fourth.
    #[cache(key = "key:{id}", ttl = "1h", companions = true)]
    pub async fn key_of(id: u64) -> u64 { id }

    /// Renames somebody.
    ///
    /// # Errors
    ///
    /// If there is nobody.
    #[invalidate(user(id, name), user(output.id, name), user(..), key = "a:{id}", pattern = "a:{output.id}:*")]
    pub async fn rename(id: u64, name: &str) -> Result<User, String> {
        if name.is_empty() { Err(name.to_owned()) } else { Ok(User { id }) }
    }

    /// A user whose writers say so.
    #[cache(key = "kept:{id}", strategy = "write_through")]
    pub async fn kept(id: u64) -> Option<User> {
        Some(User { id })
    }

    /// A user whose writers are ahead of the source.
    #[cache(key = "later:{id}", strategy = "write_behind")]
    pub async fn later(id: u64) -> Option<User> {
        Some(User { id })
    }

    /// Writes several.
    ///
    /// # Errors
    ///
    /// If there is nobody.
    #[update(entries(kept(user.id) = user.clone() for user in users), entries(later_name(user.id) = true for user in users))]
    pub async fn keep(db: &str, users: &[User]) -> Result<(), String> {
        if db.is_empty() || users.is_empty() { Err(db.to_owned()) } else { Ok(()) }
    }

    /// Whether somebody is there.
    #[cache]
    pub async fn later_name(id: u64) -> Option<bool> {
        Some(id > 0)
    }

    /// Makes several.
    #[update(entries(kept(user.id) = User { id: user.id + first } for user in output))]
    pub async fn make(first: u64) -> Vec<User> {
        vec![User { id: first }]
    }

    /// Writes several later.
    ///
    /// # Errors
    ///
    /// If there is nobody.
    #[update(entries(later(user.id) = user.clone() for user in users), strategy = "write_behind", batch = 10, every = "10ms")]
    pub async fn write(db: &str, users: Vec<User>, _note: String) -> Result<(), String> {
        if db.is_empty() || users.is_empty() { Err(db.to_owned()) } else { Ok(()) }
    }

    /// The same of ids.
    #[update(entries(later(id) = User { id: *id } for id in ids), strategy = "write_behind")]
    pub async fn write_ids(ids: &[u64]) {
        drop(ids.len().to_string());
    }

    /// Holds nothing.
    #[derive(Debug, Clone, Copy)]
    pub struct Shop;

    impl Shop {
        /// Finds somebody.
        #[cache(skip(self))]
        pub async fn find(&self, id: u64) -> Option<User> {
            Some(User { id })
        }

        /// Finds several.
        #[cache(entries(self.find(id) for id in ids), skip(_none))]
        pub async fn find_all(&self, ids: Vec<u64>, _none: u8) -> HashMap<u64, User> {
            ids.into_iter().map(|id| (id, User { id })).collect()
        }

        /// Finds several others.
        #[cache(entries(Self::find(id) for id in ids), skip(self, _none), companions = false)]
        pub async fn find_more(&self, mut ids: Vec<u64>, _none: String) -> HashMap<u64, User> {
            ids.reverse();
            ids.into_iter().map(|id| (id, User { id })).collect()
        }

        /// Finds somebody again.
        #[cache(skip(self), ttl = "1h", strategy = "refresh_ahead")]
        pub async fn again(&self, id: u64) -> Option<User> {
            Some(User { id })
        }

        /// Finds somebody else.
        #[cache(skip(self), companions = false, none_ttl = "1s")]
        pub async fn other(&self, id: u64) -> Option<User> {
            Some(User { id })
        }
    }
}

fn main() {}

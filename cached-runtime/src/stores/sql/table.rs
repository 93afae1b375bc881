//! The table: its name, its making, and what is wrong with it.
//!
//! Called when a connection is there for the first time, and again after the table was missing.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use sqlx::Error as Cause;

use super::Inner;
use super::aside::aside;
use super::fault::Fault;
use super::wire::{Argument, Statement};
use crate::{Error, ErrorKind};

pub(super) const DEFAULT: &str = "cached_entries";
/// The shortest of the limits that databases have, and room for the names of indexes.
const LONGEST: usize = 48;

/// How often it is tried to make the table, and how much longer each time until the next.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(10);

/// A name that is quoted in statements, and so must hold no quote; what else is refused would only puzzle people.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let mut bytes = name.bytes();
    let begins = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if begins && name.len() <= LONGEST && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(());
    }
    let what = format!(
        "the table name {name:?} cannot be used: a letter or `_`, then letters, digits and `_`, {LONGEST} at most"
    );
    Err(Error::new(ErrorKind::Configuration, what))
}

impl Inner {
    /// Makes sure, once, that there is a table to work on.
    pub(super) async fn make_ready(self: &Arc<Self>) -> Result<(), Error> {
        if self.ready.load(Acquire) {
            return Ok(());
        }
        let inner = Arc::clone(self);
        let made = aside(async move {
            let _one = inner.preparing.lock().await;
            if !inner.ready.load(Acquire) {
                inner.prepare().await?;
                inner.ready.store(true, Release);
            }
            Ok(())
        });
        made.await.unwrap_or_else(|| {
            let what = "the runtime has ended before the table was seen";
            Err(Error::new(ErrorKind::Unavailable, what))
        })
    }

    async fn prepare(&self) -> Result<(), Error> {
        if let Err(cause) = self.check().await {
            match Fault::of(&cause, self.dialect) {
                Fault::Missing if self.create => self.create().await?,
                Fault::Missing => {
                    return Err(self.wrong("does not exist, and this store was told not to create it", cause));
                }
                fault => return Err(self.unusable(fault, cause)),
            }
            self.check()
                .await
                .map_err(|cause| self.unusable(Fault::of(&cause, self.dialect), cause))?;
        }
        for sql in &self.texts.check_changes {
            let changed = self.run(sql, vec![Argument::Bytes(&[])]).await;
            changed.map_err(|cause| self.unusable(Fault::of(&cause, self.dialect), cause))?;
        }
        Ok(())
    }

    async fn check(&self) -> Result<(), Cause> {
        self.rows(&Statement {
            sql: &self.texts.check,
            arguments: vec![Argument::Bytes(&[])],
            writes: false,
            recurs: false,
        })
        .await
        .map(drop)
    }

    async fn create(&self) -> Result<(), Error> {
        for template in self.dialect.create {
            let sql = self.dialect.render(&self.table, template);
            let mut attempt = 1;
            while let Err(cause) = self.link.script(&sql).await {
                match Fault::of(&cause, self.dialect) {
                    Fault::Lost | Fault::Down | Fault::Closed => return Err(self.told(cause)),
                    // Of several that make one table at once, PostgreSQL lets some fail in spite of `IF NOT EXISTS`, and
                    // in more than one way.
                    Fault::Other | Fault::Again if attempt < ATTEMPTS => {
                        tokio::time::sleep(PAUSE * attempt).await;
                        attempt += 1;
                    }
                    _ => return Err(self.wrong("does not exist and cannot be created", cause)),
                }
            }
        }
        Ok(())
    }

    fn unusable(&self, fault: Fault, cause: Cause) -> Error {
        match fault {
            Fault::Denied => self.wrong(
                "cannot be read and changed: the database is read-only, or its user lacks SELECT, INSERT, UPDATE or DELETE",
                cause,
            ),
            Fault::Other => self.wrong("is not one that this store can use", cause),
            _ => self.told(cause),
        }
    }

    fn wrong(&self, what: &str, cause: Cause) -> Error {
        let message = format!("the table `{}` of {} {what}", self.table, self.name);
        Error::new(ErrorKind::Configuration, message).with_cause(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn a_name_is_a_plain_word() {
        for name in ["a", "_x1", super::DEFAULT, "Shop_Cache"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let long = "x".repeat(49);
        for name in [
            "",
            "1a",
            "a b",
            "a\"",
            "a`; DROP TABLE b",
            "shop.cache",
            "ä",
            &long,
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}

//! The statements, in the words of [`Dialect`].
//!
//! Every change is one statement and so one transaction, which is what makes tokens true; see the head of the store.
//!
//! A row is in one of these states. `expires_at` is always when it is of no more use, so that one index finds what is
//! to be swept.
//!
//! | | `value` | `expires_at` | `token` | `leased_until` |
//! |---|---|---|---|---|
//! | an entry | bytes | its end, or `NULL` for none | `NULL` | `NULL` |
//! | an absent key that was looked up | `NULL` | end of the lease | 16 random bytes | end of the lease |
//! | an entry that a load is to replace | bytes | its end | 16 random bytes | end of the lease |
//!
//! `writer` names the put that has begun, `hash` is the SHA-256 of the key `name`, and `head` its first bytes.
//!
//! MySQL makes assignments one after the other, each seeing those before it; all others see the row as it was. So the
//! order of assignments below is one in which both come to the same.

use super::dialect::Dialect;

/// How long a lease stands after the last miss that was given it. A load that takes longer is not stored.
///
/// Long enough for a slow report, short enough that misses which never fill (a value that is not kept) do not pile up.
pub(super) const LEASE_MS: i64 = 60_000;
/// How long a lease stands when it is written: so much longer that the misses of half a minute share one without
/// writing, and each has all of [`LEASE_MS`] before it.
const GRANT: &str = "{now} + 90000";

/// A row that has something to give.
const LIVE: &str = "value IS NOT NULL AND (expires_at IS NULL OR expires_at > {now})";
/// The same in an upsert, of the row that is there; and it is this key's.
const KEPT: &str = "{t}.name = {new:name:new} AND {t}.value IS NOT NULL \
                    AND ({t}.expires_at IS NULL OR {t}.expires_at > {now})";
/// A row that has nothing to give and no lease to keep.
const DEAD: &str = "expires_at <= {now} AND (leased_until IS NULL OR leased_until <= {now})";

/// What look-ups ask for, in the order of [`Row`](super::wire::Row). Of what is past nobody needs to know by how much, and
/// some databases refuse to count that far.
const COLUMNS: &str = "hash, value, CASE WHEN expires_at <= {now} THEN 0 ELSE expires_at - {now} END, token, \
                       CASE WHEN leased_until <= {now} THEN 0 ELSE leased_until - {now} END, name";

/// The statements about one key, in full.
pub(super) struct Texts {
    pub(super) look_up: String,
    pub(super) reserve: String,
    pub(super) fill: String,
    pub(super) claim: String,
    pub(super) settle: String,
    pub(super) touch: String,
    pub(super) remaining: String,
    /// Of no key: whether the table is there, and then whether one may change it.
    pub(super) check: String,
    pub(super) check_changes: [String; 3],
}

impl Texts {
    pub(super) fn new(dialect: &Dialect, table: &str) -> Self {
        let text = |template: &str| dialect.render(table, template);
        Self {
            look_up: text(&format!(
                "SELECT {COLUMNS} FROM {{t}} WHERE hash = ? AND name = ?"
            )),
            reserve: text(&upsert("token", 1, "token = {new:token:new}", "")),
            fill: text(
                "UPDATE {t} SET value = ?, expires_at = {now} + ?, token = NULL, leased_until = NULL \
                 WHERE hash = ? AND name = ? AND token = ? AND leased_until > {now}",
            ),
            claim: text(&upsert(
                "writer",
                1,
                "token = NULL, writer = {new:writer:new}",
                "",
            )),
            settle: text(
                "UPDATE {t} SET value = ?, expires_at = {now} + ?, token = NULL, leased_until = NULL, writer = NULL \
                 WHERE hash = ? AND writer = ?",
            ),
            touch: text(&format!(
                "UPDATE {{t}} SET expires_at = {{now}} + ? WHERE hash = ? AND name = ? AND {LIVE}"
            )),
            remaining: text(&format!(
                "SELECT hash, NULL, expires_at - {{now}} FROM {{t}} WHERE hash = ? AND name = ? AND {LIVE}"
            )),
            check: text(
                "SELECT hash, value, expires_at, token, leased_until, name, head, writer FROM {t} WHERE hash = ?",
            ),
            check_changes: [
                text("DELETE FROM {t} WHERE hash = ?"),
                text("UPDATE {t} SET writer = NULL WHERE hash = ?"),
                text("INSERT INTO {t} (hash, head, name) SELECT hash, head, name FROM {t} WHERE hash = ?"),
            ],
        }
    }
}

/// Makes the rows of `count` keys, or changes those that are there: their entries stay, and so does a lease of 90
/// seconds, with what `given` and `then` say. Takes hash, head, name and `column` of each.
fn upsert(column: &str, count: usize, then: &str, given: &str) -> String {
    let row = format!("(?, ?, ?, ?, {GRANT}, {GRANT})");
    let rows = vec![row; count].join(", ");
    format!(
        "INSERT INTO {{t}} (hash, head, name, {column}, leased_until, expires_at) VALUES {rows} {{upsert}} {then}, \
         value = CASE WHEN {KEPT} THEN {{t}}.value END, \
         expires_at = CASE WHEN {KEPT} THEN {{t}}.expires_at ELSE {{new:expires_at:new}} END, \
         leased_until = {{new:leased_until:new}}, head = {{new:head:new}}, name = {{new:name:new}} {given}"
    )
}

impl Dialect {
    /// Looks `count` keys up by their hashes.
    pub(super) fn look_up_many(&self, table: &str, count: usize) -> String {
        let hashes = parameters(count);
        self.render(
            table,
            &format!("SELECT {COLUMNS} FROM {{t}} WHERE hash IN ({hashes})"),
        )
    }

    /// Leases `count` keys, each of another hash: the lease that stands stays, renewed.
    pub(super) fn lease(&self, table: &str, count: usize) -> String {
        let token = "token = CASE WHEN {t}.name = {new:name:new} AND LENGTH({t}.token) = 16 \
                     AND {t}.leased_until > {now} THEN {t}.token ELSE {new:token:new} END";
        let given = format!("{{returning:{COLUMNS}:returning}}");
        self.render(table, &upsert("token", count, token, &given))
    }

    /// Removes the rows of `count` hashes; `only` those with an entry, all, or those that are to be swept.
    pub(super) fn remove(&self, table: &str, count: usize, only: Only) -> String {
        let condition = match only {
            Only::All => String::new(),
            Only::Live => format!(" AND {LIVE}"),
            Only::Dead => format!(" AND {DEAD}"),
        };
        let template = self.chosen.replace("{hashes}", &parameters(count));
        self.render(table, &format!("DELETE FROM {{t}} WHERE {template}{condition}"))
    }

    /// A page of keys in the order of their heads; takes what their `LIKE` is, the head and hash of the last row seen,
    /// the head twice, and the end if there is one. Of a key that cannot match only the place is told.
    pub(super) fn page(&self, table: &str, size: usize, ends: bool) -> String {
        let end = if ends { " AND head < ?" } else { "" };
        self.render(
            table,
            &format!(
                "SELECT hash, CASE WHEN {{like}} THEN name END, NULL, head FROM {{t}} \
                 WHERE head >= ? AND (head > ? OR hash > ?){end} ORDER BY head, hash LIMIT {size}"
            ),
        )
    }

    /// Some rows that are to be swept, those first that have been so for longest.
    pub(super) fn dead(&self, table: &str, size: usize) -> String {
        self.render(
            table,
            &format!("SELECT hash FROM {{t}} WHERE {DEAD} ORDER BY expires_at LIMIT {size}"),
        )
    }

    /// Fills `count` keys, each of another hash; takes hash, name, token, value and life of each, and then a mark where
    /// the dialect [leaves one](Self::marks).
    pub(super) fn fill(&self, table: &str, count: usize) -> String {
        let first = "SELECT ? AS k_hash, ? AS k_name, ? AS k_token, ? AS k_value, ? AS k_life";
        let rows = first.to_owned() + &" UNION ALL SELECT ?, ?, ?, ?, ?".repeat(count - 1);
        self.render(table, &self.fill_many.replace("{rows}", &rows))
    }

    /// Which of `count` hashes a fill has left its mark in.
    pub(super) fn marked(&self, table: &str, count: usize) -> String {
        let hashes = parameters(count);
        let text =
            format!("SELECT hash FROM {{t}} WHERE hash IN ({hashes}) AND token = ? AND leased_until IS NULL");
        self.render(table, &text)
    }
}

/// Which of the rows that are named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Only {
    All,
    Live,
    Dead,
}

/// `?, ?, ?`
fn parameters(count: usize) -> String {
    let mut text = "?, ".repeat(count);
    text.truncate(text.len().saturating_sub(2));
    text
}

//! An SQLite file of a test's own.

use std::time::Duration;

use rusqlite::types::ValueRef;

use crate::Folder;

/// A database file, not made yet. Dropping it removes it.
pub struct SqliteFile {
    folder: Folder,
}

impl SqliteFile {
    /// A file in a folder of its own.
    pub fn new() -> Self {
        Self {
            folder: Folder::new(),
        }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("sqlite://{}", self.path())
    }

    /// Where it is.
    pub fn path(&self) -> String {
        self.folder.file("cache.db")
    }

    /// Runs statements by a connection of its own, and gives back the columns of the last one's rows, each on a line.
    pub fn sql(&self, statements: &str) -> String {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        let (all_but_last, last) = statements.rsplit_once(';').unwrap_or(("", statements));
        connection.execute_batch(all_but_last).unwrap();
        let mut last = connection.prepare(last).unwrap();
        if last.column_count() == 0 {
            last.execute([]).unwrap();
            return String::new();
        }
        let mut rows = last.query([]).unwrap();
        let mut text = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            text.push(match row.get_ref(0).unwrap() {
                ValueRef::Null => String::new(),
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Real(number) => number.to_string(),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            });
        }
        text.join("\n")
    }
}

impl Default for SqliteFile {
    fn default() -> Self {
        Self::new()
    }
}

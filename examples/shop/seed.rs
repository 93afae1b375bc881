//! Makes the database: the same products on every machine.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process;

use rusqlite::{Connection, params};

use super::DbError;

/// How many products there are.
pub const PRODUCTS: u32 = 100_000;

/// What kinds of products there are.
pub const CATEGORIES: [&str; 8] = [
    "books", "games", "garden", "kitchen", "music", "office", "sports", "toys",
];

const QUALITIES: [&str; 10] = [
    "Plain", "Fine", "Small", "Large", "Red", "Blue", "Quiet", "Light", "Sturdy", "Folding",
];

const THINGS: [&str; 10] = [
    "Lamp", "Chair", "Drum", "Kettle", "Ball", "Notebook", "Spade", "Puzzle", "Atlas", "Basket",
];

// `category` has no index on purpose: a list of products is what is slow in this shop.
const SCHEMA: &str = "CREATE TABLE products (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    category TEXT NOT NULL,
    cents    INTEGER NOT NULL
)";

/// Makes the database at `file` unless it is there, and says whether it made it.
///
/// It is made under another name and then given its own in one step, so that a database found by this name is whole,
/// also when two programs start at once.
pub(super) fn make_once(file: &Path) -> Result<bool, DbError> {
    if file.exists() {
        return Ok(false);
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(DbError::new)?;
    }
    let draft = file.with_extension(format!("draft-{}", process::id()));
    fill(&draft).map_err(DbError::new)?;
    let named = fs::hard_link(&draft, file);
    fs::remove_file(&draft).map_err(DbError::new)?;
    match named {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(DbError::new(error)),
    }
}

fn fill(file: &Path) -> rusqlite::Result<()> {
    let mut db = Connection::open(file)?;
    // Readers and the writer do not wait for each other.
    db.pragma_update(None, "journal_mode", "wal")?;
    let all = db.transaction()?;
    all.execute_batch(SCHEMA)?;
    let mut insert = all.prepare("INSERT INTO products VALUES (?1, ?2, ?3, ?4)")?;
    for id in 1..=PRODUCTS {
        let dice = scatter(id);
        let name = format!("{} {} {id}", pick(&QUALITIES, dice), pick(&THINGS, dice >> 8));
        insert.execute(params![
            id,
            name,
            pick(&CATEGORIES, dice >> 16),
            100 + (dice >> 8) % 50_000
        ])?;
    }
    drop(insert);
    all.commit()
}

/// A fixed number for each id that looks like none: Knuth's multiplicative hash.
fn scatter(id: u32) -> u32 {
    id.wrapping_mul(2_654_435_761)
}

fn pick(words: &[&'static str], dice: u32) -> &'static str {
    words[dice as usize % words.len()]
}

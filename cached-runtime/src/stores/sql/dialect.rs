//! What the databases spell differently, as data; each fills it in beside its driver.
//!
//! Statements are written once (`statements`), in the tongue that PostgreSQL and SQLite share, with words in braces
//! where that is not enough. Knows nothing of connections.

/// The spelling of one database.
pub(super) struct Dialect {
    /// Now, by the database's own clock, in milliseconds since 1970; the same throughout one statement.
    pub(super) now: &'static str,
    /// What stands around a table's name.
    pub(super) quote: char,
    /// Parameters are `$1`, `$2`, ... in place of `?`.
    pub(super) numbered: bool,
    /// What follows the rows of an `INSERT` that may meet a row of the same hash.
    pub(super) upsert: &'static str,
    /// Around a column of the row that was offered to an `INSERT`.
    pub(super) offered: [&'static str; 2],
    /// Around the columns that a changing statement gives back.
    pub(super) returning: [&'static str; 2],
    /// Whether the key may match the bytes that follow, as `LIKE` reads them with the escape [`ESCAPE`](super::pattern::ESCAPE).
    pub(super) like: &'static str,
    /// What chooses the rows of some hashes, in the order of their hashes where rows are locked one after the other.
    pub(super) chosen: &'static str,
    /// Stores several values, each under its token; `{rows}` are its parameters.
    pub(super) fill_many: &'static str,
    /// [`fill_many`](Self::fill_many) does not tell which rows it changed: it takes a mark to leave in them.
    pub(super) marks: bool,
    /// Makes the table and its indexes, if they are missing.
    pub(super) create: &'static [&'static str],
    /// What is wrong where it refuses to be used.
    pub(super) refuses: &'static str,
    /// It is no server.
    pub(super) is_a_file: bool,
    /// What its errors mean.
    pub(super) codes: Codes,
}

/// Codes of errors by what is to be done about them. One of two characters stands for a class of SQLSTATE.
pub(super) struct Codes {
    /// The statement was undone for the sake of another one, and may be run again.
    pub(super) again: &'static [&'static str],
    /// The database cannot serve at the moment.
    pub(super) down: &'static [&'static str],
    /// The address, its user, its password or its database is refused, or the file cannot be opened.
    pub(super) refused: &'static [&'static str],
    /// The table is missing; the text tells where the code does not.
    pub(super) missing: (&'static str, &'static str),
    /// The user may not do this, or nobody may.
    pub(super) denied: &'static [&'static str],
}

impl Dialect {
    /// `template` as this database reads it.
    pub(super) fn render(&self, table: &str, template: &str) -> String {
        let quoted = format!("{0}{table}{0}", self.quote);
        let text = template
            .replace("{chosen}", self.chosen)
            .replace("{upsert}", self.upsert)
            .replace("{new:", self.offered[0])
            .replace(":new}", self.offered[1])
            .replace("{returning:", self.returning[0])
            .replace(":returning}", self.returning[1])
            .replace("{like}", self.like)
            .replace("{now}", self.now)
            .replace("{table}", table)
            .replace("{t}", &quoted);
        if self.numbered { number(&text) } else { text }
    }
}

/// `?` becomes `$1`, `$2`, and so on. No statement has one that is not a parameter.
fn number(text: &str) -> String {
    let mut numbered = String::with_capacity(text.len() + 32);
    for (index, piece) in text.split('?').enumerate() {
        if index > 0 {
            numbered.push('$');
            numbered.push_str(&index.to_string());
        }
        numbered.push_str(piece);
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn parameters_are_numbered_in_their_order() {
        assert_eq!(number("a = ? AND b > ?, c"), "a = $1 AND b > $2, c");
        assert_eq!(number("none"), "none");
    }
}

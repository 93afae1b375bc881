//! What the shop sells.

use std::fmt;

use rusqlite::Row;
use serde::{Deserialize, Serialize};

/// A row of `products`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// 1 to [`PRODUCTS`](super::PRODUCTS).
    pub id: u32,
    /// What it is called.
    pub name: String,
    /// One of [`CATEGORIES`](super::CATEGORIES).
    pub category: String,
    /// The price, in cents.
    pub cents: u32,
}

impl Product {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            category: row.get("category")?,
            cents: row.get("cents")?,
        })
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}.{:02}", self.name, self.cents / 100, self.cents % 100)
    }
}

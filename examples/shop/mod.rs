//! A shop of 100,000 products in SQLite, made once in the temporary folder.
//!
//! Plain code as any service has it: nothing here knows that its callers are cached.

mod db;
mod error;
mod product;
mod seed;

pub use db::Db;
pub use error::DbError;
pub use product::Product;
pub use seed::{CATEGORIES, PRODUCTS};

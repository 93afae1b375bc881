//! What the examples share: a shop, that is, a database of products without any caching. The examples add that.

pub mod shop;

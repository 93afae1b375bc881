//! The one error of the database.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A query that failed, or a database that could not be made.
///
/// It is `Clone`, so that all callers who waited for one failing query get its error.
#[derive(Debug, Clone)]
pub struct DbError(Arc<dyn Error + Send + Sync>);

impl DbError {
    pub(super) fn new(cause: impl Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(cause))
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database failed: {}", self.0)
    }
}

impl Error for DbError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

//! What an error of a database means: for the caller, for the connection it came on, and for running it again.

use std::time::Duration;

use sqlx::Error as Cause;

use super::dialect::{Codes, Dialect};
use super::wire::Wire;
use crate::{Error, ErrorKind};

/// An error, by what is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The statement was undone, and may be run again.
    Again,
    /// The database cannot serve at the moment.
    Down,
    /// The connection is no more, or was never made.
    Lost,
    /// The address, the user, the password or the database is refused, or the file cannot be opened.
    Refused,
    /// There is no such table.
    Missing,
    /// The user may not do this, or nobody may.
    Denied,
    /// A column holds what it should not.
    Unreadable,
    /// The store was closed.
    Closed,
    /// Anything else.
    Other,
}

impl Fault {
    pub(super) fn of(cause: &Cause, dialect: &Dialect) -> Self {
        match cause {
            Cause::Database(error) => {
                let code = code(&**error);
                dialect.codes.fault(&code, error.message())
            }
            Cause::PoolClosed => Self::Closed,
            Cause::ColumnDecode { .. } | Cause::Decode(_) => Self::Unreadable,
            Cause::Io(_) | Cause::Tls(_) | Cause::Protocol(_) | Cause::WorkerCrashed => Self::Lost,
            Cause::Configuration(_) => Self::Refused,
            _ => Self::Other,
        }
    }
}

/// Of MySQL the number, since one SQLSTATE of its stands for dozens of them.
fn code(error: &dyn sqlx::error::DatabaseError) -> String {
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return error.number().to_string();
    }
    error.code().unwrap_or_default().into_owned()
}

impl Codes {
    fn fault(&self, code: &str, message: &str) -> Fault {
        let among = |codes: &[&str]| codes.iter().any(|known| is(code, known));
        if code == self.missing.0 && message.contains(self.missing.1) {
            Fault::Missing
        } else if among(self.again) {
            Fault::Again
        } else if among(self.down) {
            Fault::Down
        } else if among(self.refused) {
            Fault::Refused
        } else if among(self.denied) {
            Fault::Denied
        } else {
            Fault::Other
        }
    }
}

/// `known` is a code, or the two characters that begin those of a class.
fn is(code: &str, known: &str) -> bool {
    code == known || code.len() == 5 && known.len() == 2 && code.starts_with(known)
}

/// Whether a connection that gave this error is not to be used again. A server that has become read-only was a primary
/// that lost its role; a new connection finds its successor behind the same name.
pub(super) fn breaks<W: Wire>(cause: &Cause) -> bool {
    match Fault::of(cause, W::DIALECT) {
        Fault::Lost => true,
        Fault::Down | Fault::Denied => !W::OUTLIVES_DROPS,
        _ => false,
    }
}

/// How often a statement is run that the database undoes for the sake of others.
const ATTEMPTS: u32 = 4;

/// Whether to run a statement again that failed for the `attempt`th time; after a pause, so that the same two do not
/// meet again.
pub(super) async fn again(cause: &Cause, dialect: &Dialect, attempt: u32) -> bool {
    if attempt >= ATTEMPTS || Fault::of(cause, dialect) != Fault::Again {
        return false;
    }
    tokio::time::sleep(Duration::from_millis(fastrand::u64(1..=10 << attempt))).await;
    true
}

/// What the caller is told.
pub(super) fn told(cause: Cause, dialect: &Dialect, name: &str) -> Error {
    let fault = Fault::of(&cause, dialect);
    let (kind, what) = match fault {
        Fault::Closed => (ErrorKind::Closed, "has been closed"),
        Fault::Lost => (ErrorKind::Unavailable, "does not answer"),
        Fault::Down => (ErrorKind::Unavailable, "is not ready to serve"),
        Fault::Again => (ErrorKind::Unavailable, "is too busy"),
        Fault::Refused => (ErrorKind::Configuration, dialect.refuses),
        Fault::Missing => (ErrorKind::Store, "has no such table"),
        Fault::Denied => (ErrorKind::Store, "does not allow this"),
        Fault::Unreadable => (ErrorKind::Decode, "holds something else in place of an entry"),
        Fault::Other => (ErrorKind::Store, "answered with an error"),
    };
    let mut message = format!("{name} {what}");
    // The one thing that a file has to say, and the name has its path.
    if let (Fault::Refused, Cause::Database(error), true) = (fault, &cause, dialect.is_a_file) {
        message = format!("{message}: {}", error.message());
    }
    Error::new(kind, message).with_cause(cause)
}

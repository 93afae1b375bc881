//! The entries of functions under `write_behind`, told apart by their type from those of all others: a writer must know
//! which it has.

use std::fmt;
use std::ops::Deref;

use crate::handles::Entry;
use crate::hooks::CacheValue;

/// One entry of a cached function under `strategy = "write_behind"`: an [`Entry`], of a type of its own by which the
/// compiler knows that whoever updates it has to say so.
pub struct BehindEntry<V>(Entry<V>);

impl<V> BehindEntry<V> {
    /// That entry.
    #[doc(hidden)]
    pub fn of(entry: Entry<V>) -> Self {
        Self(entry)
    }

    /// The entry itself, for a batch, which does not care when its source is written.
    #[doc(hidden)]
    pub fn for_batch(self) -> Entry<V> {
        self.0
    }
}

impl<V> Deref for BehindEntry<V> {
    type Target = Entry<V>;

    fn deref(&self) -> &Entry<V> {
        &self.0
    }
}

impl<V> fmt::Debug for BehindEntry<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An entry whose source is written before `#[update]` returns.
#[diagnostic::on_unimplemented(
    message = "this writer does not say `strategy = \"write_behind\"`, and the cached function that it updates does",
    label = "under `write_behind`",
    note = "its value is stored at once and the body runs later: `#[update(get_user(user.id) = user.clone(), strategy = \"write_behind\")]`",
    note = "or take `strategy = \"write_behind\"` out of its `#[cache(..)]`"
)]
pub trait WrittenAtOnce {
    /// What it keeps.
    type Value: CacheValue;

    /// The entry itself.
    fn entry(&self) -> &Entry<Self::Value>;
}

impl<V: CacheValue> WrittenAtOnce for Entry<V> {
    type Value = V;

    fn entry(&self) -> &Self {
        self
    }
}

/// An entry whose source is written later.
#[diagnostic::on_unimplemented(
    message = "this writer says `strategy = \"write_behind\"`, and the cached function that it updates does not",
    label = "not under `write_behind`",
    note = "its readers must know that a value may be pending: write `#[cache(strategy = \"write_behind\", ..)]` there, or remove the `strategy` here"
)]
pub trait WrittenLater {
    /// What it keeps.
    type Value: CacheValue;

    /// The entry itself.
    fn into_entry(self) -> Entry<Self::Value>;
}

impl<V: CacheValue> WrittenLater for BehindEntry<V> {
    type Value = V;

    fn into_entry(self) -> Entry<V> {
        self.0
    }
}

/// The entry that a writer under `write_behind` has named. Apart from the write itself, so that it is reported once.
pub fn written_later<E: WrittenLater>(entry: E) -> Entry<E::Value> {
    entry.into_entry()
}

//! What is kept for a key: the record that memory tiers hold and that flights hand around.

use std::any::Any;
use std::sync::Arc;

use crate::clock::Tick;

/// A value whose type only the function's own code knows. One copy is shared by the memory tier and a flight's followers.
pub(crate) type Shared = Arc<dyn Any + Send + Sync>;

/// What a load brought: a value, or the source's word that there is none.
#[derive(Clone)]
pub(crate) enum Content {
    Value(Shared),
    Absent,
}

/// The record of a memory tier.
pub(crate) struct Held {
    pub(crate) content: Content,
    /// The first moment at which it is no longer served.
    pub(crate) expires: Tick,
    /// When its load began, in the order of all loads: an older load never replaces a newer one's value.
    pub(crate) began: u64,
    /// What it counts against the tier's bound; never zero, since nothing that weighs nothing is evicted.
    pub(crate) weight: u64,
}

impl Held {
    #[inline]
    pub(crate) fn is_fresh(&self, now: Tick) -> bool {
        now < self.expires
    }
}

//! What a call of a cached function does, in order. The only place that knows the order.
//!
//! 1. `enter`: write the key on the stack, unless it is one number; find the function in the `Caches` in force, or what is
//!    known of the process's at the function's site; look in memory (`seek`). A hit ends here, having allocated nothing.
//! 2. A miss leads a flight for the key or joins the one in progress ([`Start`]), and who leads looks in memory once
//!    more: the flight before may have just filled it.
//!    Who is inside of the very load that it would wait for runs the body past the cache instead.
//! 3. The leader looks down the remote tiers ([`Load::look`]). The stamp for memory is taken before the first look-up;
//!    each remote miss brings a token.
//! 4. The body runs in the caller's own task, so it may borrow the caller's arguments.
//! 5. The value goes into memory if its stamp still stands, to the followers in any case, and into each remote tier
//!    that takes the token ([`Load::keep`]).
//!
//! A failed body goes to the followers as `share` can; where it cannot, they run for themselves. A caller that is
//! dropped, or a body that panics, drops the [`Load`] and with it the lead: see `flight`.

mod enter;
mod seek;
mod again;
pub(crate) mod reloads;
mod owned;
mod start;
mod wait;
mod run;
mod missed;
mod steps;
mod load;
pub(crate) mod many;
mod aside;
mod loader;
pub(crate) mod output;
pub(crate) mod share;
pub(crate) mod told;
pub(crate) mod values;

pub use self::again::{Reload, reload};
pub(crate) use self::aside::get_many;
pub use self::enter::{Enter, enter, enter_aging, enter_aging_in, enter_in, enter_sole, sole};
pub(crate) use self::load::{Keeping, Load};
pub use self::loader::{Loadable, Loader};
pub(crate) use self::loader::{load, load_aging};
pub use self::many::LoadableMany;
pub(crate) use self::many::load_many;
pub use self::missed::{Missed, turns};
pub use self::owned::{Anew, Lent, Outliving, anew, outliving};
pub use self::run::{Lead, Run, Seen};
pub(crate) use self::start::{probe_of, tell_of_lost};
pub use self::wait::{Turn, Wait};

//! What a run of the body in the background is given in place of what its call had borrowed.

use std::future::Future;
use std::pin::Pin;

use crate::hooks::{Held, NeverHeld, NoType};

/// The body as a run in the background.
pub type Anew<R> = Pin<Box<dyn Future<Output = R> + Send>>;

/// Makes one.
pub fn anew<R, B: Future<Output = R> + Send + 'static>(body: B) -> Anew<R> {
    Box::pin(body)
}

/// A borrowed argument of which a run in the background can have a copy.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken along by a run in the background: it cannot be copied",
    label = "borrowed, and such a run outlives the call",
    note = "derive `Clone` for it, or take an `Arc` of it: `&Arc<T>`, `self: Arc<Self>`",
    note = "what has to be copied must be `Send + 'static`; demand `Clone + Send + Sync + 'static` of a type parameter"
)]
pub trait Outliving<H> {
    /// As it is taken along: `String` for a `str`, `Vec<T>` for a `[T]`, the type itself where it is `Clone`.
    type Copy: Send + 'static;

    /// A copy.
    fn copy(&self) -> Self::Copy;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned: Send + 'static> + ?Sized> Outliving<Held> for T {
    type Copy = T::Owned;

    fn copy(&self) -> T::Owned {
        self.to_owned()
    }
}

#[diagnostic::do_not_recommend]
impl<T: NoType + ?Sized> Outliving<NeverHeld> for T {
    type Copy = ();

    fn copy(&self) {}
}

/// A borrowed argument. A type of its own, so that the compiler does not propose to borrow it once more.
pub struct Lent<'a, T: ?Sized>(pub &'a T);

/// A copy for a run that outlives its call. Made when such a run starts and not before.
#[expect(
    clippy::needless_pass_by_value,
    reason = "of a reference to it the compiler would propose another"
)]
pub fn outliving<T: Outliving<H> + ?Sized, H>(lent: Lent<'_, T>) -> T::Copy {
    let Lent(argument) = lent;
    argument.copy()
}

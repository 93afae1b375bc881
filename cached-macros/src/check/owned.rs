//! Rules for functions whose body may run after the call that asked for it is over.

use super::signature::find_borrow;
use crate::function::{Function, ungrouped};
use crate::mistakes::Mistakes;
use syn::{FnArg, ReceiverKind, Type};

/// What an argument borrows is copied for such a run, so it must be the whole argument that is borrowed. `why` is the
/// option that asks for it, as the user knows it: "`refresh`".
pub(super) fn arguments(function: &Function, why: &str, mistakes: &mut Mistakes) {
    for input in &function.sig.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                if let ReceiverKind::Typed(_, ty) = &receiver.kind {
                    argument(ty, why, mistakes);
                }
            }
            FnArg::Typed(typed) => argument(&typed.ty, why, mistakes),
        }
    }
}

fn argument(ty: &Type, why: &str, mistakes: &mut Mistakes) {
    let ty = ungrouped(ty);
    let (kept, exclusive) = match ty {
        Type::Reference(reference) => (&*reference.elem, reference.mutability.is_some()),
        other => (other, false),
    };
    if exclusive {
        let message = format!(
            "{why} runs the body after this call is over, and what is borrowed as `&mut` is the caller's again by then: take it by `&` or by value"
        );
        mistakes.about(ty, message);
    } else if let Some(borrow) = find_borrow(kept) {
        let message = format!(
            "{why} runs the body after this call is over, and only a whole argument can be copied for that, not what is borrowed inside of one: own it (`String` for `&str`, `Arc<T>` for `&T`)"
        );
        mistakes.about(borrow, message);
    }
}

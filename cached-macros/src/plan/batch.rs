//! Everything decided about a batch.

use super::{door, invalidate};
use crate::args::{CacheArgs, Entries};
use crate::function::{Form, Function, argument_name, ungrouped};
use crate::names::{Companions, borrowed};
use crate::words::speaks_of_self_type;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Expr, Ident, PatType, Type};

/// What to print.
pub(crate) struct BatchPlan {
    pub(crate) door: TokenStream,
    pub(crate) function: Function,
    pub(crate) form: Form,
    /// What the function's future yields.
    pub(crate) output: Type,
    /// Siblings are reached through `Self::`.
    pub(crate) in_impl: bool,
    /// The name of the body's own function; `None` if there is to be none.
    pub(crate) uncached: Option<Ident>,
    /// What has the entry as a method.
    pub(crate) receiver: Option<Expr>,
    /// The companion that makes an entry.
    pub(crate) entry: TokenStream,
    /// Where the cached function was named, and how.
    pub(crate) span: Span,
    pub(crate) whose: String,
    pub(crate) arguments: Vec<Expr>,
    pub(crate) id: Ident,
    pub(crate) ids: Ident,
    pub(crate) ids_form: IdsForm,
    /// The list of ids, borrowed.
    pub(crate) listed: TokenStream,
    pub(crate) caches: Option<Expr>,
}

/// How the function takes its ids.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdsForm {
    Borrowed,
    Owned,
}

/// How an argument is passed to the body, which may have to run again.
pub(crate) enum Passed {
    /// The ids, or those of them that are missing.
    Ids,
    /// As it is.
    Shared,
    /// Lent once more.
    Exclusive,
    /// A copy.
    Owned,
}

impl BatchPlan {
    /// Of arguments and a function that go together.
    pub(crate) fn new(
        args: CacheArgs,
        entries: Entries,
        function: Function,
        form: Form,
        output: Type,
    ) -> Self {
        let whose = entries.function();
        let in_impl = function.receiver().is_some()
            || args.in_impl.as_ref().map_or_else(
                || args.names_self() || entries.names_self() || speaks_of_self_type(&function),
                |in_impl| in_impl.value,
            );
        let has_companions = args.wants_companions();
        let (ids_form, listed) = ids_of(&function, &entries.ids);
        let (receiver, entry, _, span) = invalidate::companions(entries.owner);
        Self {
            door: door(args.krate.as_ref().map(|krate| &krate.value)),
            form,
            output,
            in_impl,
            uncached: has_companions.then(|| Companions::of(&function.sig.ident).uncached),
            receiver,
            entry,
            span,
            whose,
            arguments: entries.arguments,
            id: entries.id,
            ids: entries.ids,
            ids_form,
            listed,
            caches: args.caches.map(|caches| caches.value),
            function,
        }
    }

    /// How this argument is passed on.
    pub(crate) fn passed(&self, argument: &PatType) -> Passed {
        if argument_name(&argument.pat).is_some_and(|name| name.unraw() == self.ids.unraw()) {
            return Passed::Ids;
        }
        match ungrouped(&argument.ty) {
            Type::Reference(reference) if reference.mutability.is_some() => Passed::Exclusive,
            Type::Reference(_) => Passed::Shared,
            _ => Passed::Owned,
        }
    }
}

/// How a function takes its list, and the list, borrowed.
pub(super) fn ids_of(function: &Function, ids: &Ident) -> (IdsForm, TokenStream) {
    let argument = function
        .arguments()
        .find_map(|(name, argument)| Some((name.filter(|name| name.unraw() == ids.unraw())?, argument)));
    match argument {
        Some((name, argument)) => match ungrouped(&argument.ty) {
            Type::Reference(_) => (IdsForm::Borrowed, name.to_token_stream()),
            _ => (IdsForm::Owned, borrowed(&name.to_token_stream())),
        },
        // What the function returns, a reference already.
        None => (IdsForm::Borrowed, ids.to_token_stream()),
    }
}

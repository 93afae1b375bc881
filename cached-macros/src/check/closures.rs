//! Rules about the closures that look at values.

use crate::args::{CacheArgs, Ttl};
use crate::function::Function;
use crate::mistakes::Mistakes;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, Ident, PatIdent};

/// They are the same for every call, and so see nothing of one.
pub(super) fn cache(args: &CacheArgs, function: &Function, mistakes: &mut Mistakes) {
    let ttl = args.ttl.as_ref().and_then(|ttl| match &ttl.value {
        Ttl::OfValue(closure) => Some(closure),
        Ttl::Fixed(_) => None,
    });
    let others = [&args.expires, &args.cache_if, &args.weight, &args.share_error];
    let others = others.into_iter().flatten().map(|closure| &closure.value);
    for closure in ttl.into_iter().chain(others) {
        let mut words = Words::default();
        words.visit_expr_closure(closure);
        let arguments: Vec<Ident> = function
            .arguments()
            .filter_map(|(name, _)| name)
            .map(IdentExt::unraw)
            .collect();
        let captured = words.used.iter().find(|word| {
            let word = word.unraw();
            (arguments.contains(&word) || word == "self") && !words.bound.contains(&word)
        });
        if let Some(word) = captured {
            let message = format!(
                "`{word}` belongs to one call, and this closure is the same for all: decide by the value alone, with `{word}` in it if need be"
            );
            mistakes.at(word.span(), message);
        }
    }
}

/// What a closure uses as values, and what it binds.
#[derive(Default)]
struct Words {
    used: Vec<Ident>,
    bound: Vec<Ident>,
}

impl Visit<'_> for Words {
    fn visit_expr(&mut self, expr: &Expr) {
        if let Expr::Path(path) = expr
            && let Some(word) = path.path.get_ident()
        {
            self.used.push(word.clone());
        }
        visit::visit_expr(self, expr);
    }

    // `f(x)` may be a function of that name.
    fn visit_expr_call(&mut self, call: &ExprCall) {
        if !matches!(&*call.func, Expr::Path(_)) {
            self.visit_expr(&call.func);
        }
        call.args.iter().for_each(|arg| self.visit_expr(arg));
    }

    fn visit_pat_ident(&mut self, bound: &PatIdent) {
        self.bound.push(bound.ident.unraw());
        visit::visit_pat_ident(self, bound);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::TokenStream;
    use quote::quote;

    fn mistakes(args: TokenStream) -> usize {
        let mut mistakes = Mistakes::default();
        let args = CacheArgs::read(args, &mut mistakes);
        let function = syn::parse2(quote!(
            async fn f(&self, id: u64) -> u64 {}
        ));
        cache(&args, &function.expect("a function"), &mut mistakes);
        mistakes.into_error().map_or(0, |error| error.into_iter().count())
    }

    #[test]
    fn what_belongs_to_a_call_is_refused() {
        assert_eq!(mistakes(quote!(cache_if = |value| *value > id)), 1);
        assert_eq!(mistakes(quote!(cache_if = |value| value.of(&self.name))), 1);
        assert_eq!(
            mistakes(quote!(ttl = |_| id.life(), weight = |_, value| value + id)),
            2
        );
    }

    #[test]
    fn what_only_has_its_name_is_not() {
        assert_eq!(mistakes(quote!(cache_if = |id| *id > 1)), 0);
        assert_eq!(mistakes(quote!(cache_if = |value| value.id > id(1))), 0);
        assert_eq!(
            mistakes(quote!(
                cache_if = |value| {
                    let id = value.id;
                    id > 1
                }
            )),
            0
        );
        assert_eq!(mistakes(quote!(cache_if = |value| value.id == id::NONE)), 0);
    }
}

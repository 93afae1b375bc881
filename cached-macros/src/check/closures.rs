//! Rules about the closures that look at values.

use crate::args::{CacheArgs, Ttl};
use crate::function::{Function, types_of, ungrouped};
use crate::mistakes::Mistakes;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprClosure, Ident, Pat, PatIdent, PathSegment, Type};

/// Notes every mistake. `output` is what the function yields, if that can be seen.
pub(super) fn cache(args: &CacheArgs, function: &Function, output: Option<&Type>, mistakes: &mut Mistakes) {
    let ttl = args.ttl.as_ref().and_then(|ttl| match &ttl.value {
        Ttl::OfValue(closure) => Some(closure),
        Ttl::Fixed(_) => None,
    });
    let others = [&args.expires, &args.cache_if, &args.weight];
    let others = others.into_iter().flatten().map(|closure| &closure.value);
    let of_values: Vec<&ExprClosure> = ttl.into_iter().chain(others).collect();
    if let Some(output) = output {
        for closure in &of_values {
            // The value comes last; before it comes the key.
            sees(closure.inputs.last(), output, mistakes);
        }
    }
    let of_errors = args.share_error.as_ref().map(|closure| &closure.value);
    captures(of_values.into_iter().chain(of_errors), function, mistakes);
}

/// A closure that says what it is given says what is kept: nothing around the value, and a reference to it.
fn sees(parameter: Option<&Pat>, output: &Type, mistakes: &mut Mistakes) {
    let Some(Pat::Type(parameter)) = parameter else {
        return;
    };
    let said = ungrouped(&parameter.ty);
    let (of, is_reference) = match said {
        Type::Reference(reference) => (ungrouped(&reference.elem), true),
        other => (other, false),
    };
    let (around, value) = taken_off(output);
    let shown = shown(value);
    let layer = last(of).and_then(|of| around.iter().find(|layer| layer.ident == of.ident));
    if let Some(layer) = layer
        && last(value).is_none_or(|value| value.ident != layer.ident)
    {
        let why = if layer.ident == "Result" {
            "an `Err` is never kept"
        } else {
            "a `None` is a matter of `none_ttl`"
        };
        let layer = &layer.ident;
        let message = format!(
            "this closure is given what is kept, without the `{layer}` around it, since {why}: write `&{shown}` here"
        );
        mistakes.about(said, message);
    } else if !is_reference && of.to_token_stream().to_string() == value.to_token_stream().to_string() {
        let message = format!("this closure is given a reference to the value: write `&{shown}` here");
        mistakes.about(said, message);
    }
}

/// `Result` and `Option` around the value, as they are spelled, and the value.
fn taken_off(output: &Type) -> (Vec<&PathSegment>, &Type) {
    let (mut around, mut value) = (Vec::new(), ungrouped(output));
    for name in ["Result", "Option"] {
        if let Some(layer) = last(value).filter(|layer| layer.ident == name)
            && let Some(inner) = types_of(layer).next()
        {
            around.push(layer);
            value = ungrouped(inner);
        }
    }
    (around, value)
}

fn last(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// As it would be written.
fn shown(ty: &Type) -> String {
    let text = ty.to_token_stream().to_string();
    let mut words = text.split(' ').peekable();
    let mut shown = String::new();
    while let Some(word) = words.next() {
        shown.push_str(word);
        let apart = |c: char| c.is_alphanumeric() || matches!(c, '_' | ',' | '+');
        let follows = words.peek().and_then(|next| next.chars().next());
        if word.ends_with(apart)
            && follows.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '+' | '&'))
        {
            shown.push(' ');
        }
    }
    shown
}

/// They are the same for every call, and so see nothing of one.
fn captures<'a>(
    closures: impl Iterator<Item = &'a ExprClosure>,
    function: &Function,
    mistakes: &mut Mistakes,
) {
    for closure in closures {
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
        let function: Function = function.expect("a function");
        let output = function.future().map(|(_, output)| output);
        cache(&args, &function, output.as_ref(), &mut mistakes);
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

//! Arguments of another attribute, or in another form. In the attributes of writers a word in front of parentheses is the name
//! of a cached function, and these would be looked for as one.

use super::literal::bare;
use crate::names;
use syn::ext::IdentExt;
use syn::{Expr, Ident, Lit};

/// `skip(db)`, `tier("local", ttl = "30s")`, and `key("user:{id}")` where `own` has `key = "user:{id}"`.
pub(super) fn call(target: &Expr, own: &[(&str, &str)]) -> syn::Result<()> {
    let Expr::Call(call) = bare(target) else {
        return Ok(());
    };
    let Expr::Path(path) = bare(&call.func) else {
        return Ok(());
    };
    let Some(name) = path.path.get_ident() else {
        return Ok(());
    };
    let word = name.unraw().to_string();
    let mut own = own.iter().filter(|(own, _)| *own == word);
    let message = match (call.args.first(), call.args.len()) {
        (Some(first), 1) if is_string(first) => own.next().map(|(_, example)| {
            format!(
                "`{word}` takes its value after `=`: `{example}` (a cached function of this name is `self::{word}(..)` here)"
            )
        }),
        (Some(_), _) if word == "skip" && call.args.iter().all(is_word) => Some(
            "`skip` is an argument of `#[cache]`: remove it, since nothing is passed here but the key arguments in the call, \
             as in `get_user(id)` (a cached function of this name is `self::skip(..)` here)"
                .to_owned(),
        ),
        (Some(first), _) if word == "tier" && is_string(first) => Some(of_cache(&word)),
        _ => None,
    };
    message.map_or(Ok(()), |message| Err(syn::Error::new(name.span(), message)))
}

/// What `name = ..` belongs to, if that is a cached function.
pub(super) fn named(name: &Ident) -> Option<String> {
    let word = name.unraw().to_string();
    let is_known = names::CACHE.iter().any(|(known, _)| *known == word);
    is_known.then(|| of_cache(&word))
}

fn of_cache(word: &str) -> String {
    format!("`{word}` is an argument of `#[cache]`, on the function whose entries these are: move it there")
}

fn is_string(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Lit(lit) if matches!(lit.lit, Lit::Str(_)))
}

fn is_word(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Path(path) if path.path.get_ident().is_some())
}

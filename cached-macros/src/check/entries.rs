//! The rules of `#[update(entries(..))]`.

use super::update::yields_nothing;
use super::{invalidate, key};
use crate::args::{Each, Owner, Update};
use crate::function::{Form, Function, ungrouped};
use crate::mistakes::Mistakes;
use crate::names::OUTPUT;
use crate::words::{find, find_variable, mentions};
use quote::ToTokens;
use syn::{Expr, Ident, PatType, Type};

/// Notes every mistake of one batch; `behind` says whether its body runs later.
pub(super) fn update(
    update: &Update,
    each: &Each,
    behind: bool,
    future: Option<&(Form, Type)>,
    function: &Function,
    mistakes: &mut Mistakes,
) {
    let Each { item, items } = each;
    if item == OUTPUT {
        let message = "`output` is the returned value in `#[update]`: give the item another name";
        mistakes.at(item.span(), message);
        return;
    }
    let call = &update.call;
    if !mentions(&call.tokens, &item.to_string()) {
        let message = format!(
            "`{item}` is not used: every item would be about the same entry; name its key, as in `get_user({item}.id)`"
        );
        mistakes.at(item.span(), message);
    }
    let returned = items == OUTPUT;
    list(items, behind, future, function, mistakes);
    let Some(value) = &update.value else {
        let message = format!(
            "which value is stored for each `{item}`? say it, as in `get_user({item}.id) = {item}.clone()`"
        );
        mistakes.about(&call.tokens, message);
        return;
    };
    if !returned {
        let value = value.to_token_stream();
        if let Some(output) = find(&call.tokens, OUTPUT).or_else(|| find_variable(&value, OUTPUT)) {
            let message = "key and value of each item are made of it and of arguments; of what the function returns if that is the list, as in `for user in output`";
            mistakes.about(output, message);
        }
    }
    if let Owner::Method { receiver, method, .. } = &call.owner
        && returned
        && !matches!(receiver, Expr::Path(path) if path.path.is_ident("self"))
    {
        let message =
            format!("whose `{method}`? name the type instead of a value, as in `Users::{method}(..)`");
        mistakes.about(receiver, message);
    } else if returned {
        invalidate::exclusive(call, function, "name the entries by arguments", mistakes);
    }
}

/// It is an argument, or what the function returns.
fn list(
    items: &Ident,
    behind: bool,
    future: Option<&(Form, Type)>,
    function: &Function,
    mistakes: &mut Mistakes,
) {
    if items == OUTPUT {
        if behind {
            let message = "under `write_behind` the body has not run when the values are stored, so there is no `output` yet: name an argument";
            mistakes.at(items.span(), message);
        } else if future.is_some_and(|(_, output)| yields_nothing(output)) {
            let message =
                "the items are those that the function returns, and it returns nothing: name an argument";
            mistakes.at(items.span(), message);
        }
        return;
    }
    let argument = function
        .arguments()
        .find(|(name, _)| name.is_some_and(|name| key::same(name, items)));
    match argument {
        None => mistakes.at(items.span(), key::unknown(function, items)),
        Some((_, argument)) if behind => taken_apart(argument, mistakes),
        Some(_) => {}
    }
}

/// A body that runs later gets items of several calls, in a list that is made for it.
fn taken_apart(argument: &PatType, mistakes: &mut Mistakes) {
    let ty = ungrouped(&argument.ty);
    let list = match ty {
        // Said of every argument.
        Type::Reference(reference) if reference.mutability.is_some() => return,
        Type::Reference(reference) => ungrouped(&reference.elem),
        other => other,
    };
    let reason = match list {
        Type::Array(_) => "an array has always as many items, and one run gets those of several calls",
        Type::Reference(_) | Type::Tuple(_) | Type::Ptr(_) | Type::TraitObject(_) => {
            "one run gets the items of several calls, in a list of the same type"
        }
        _ => return,
    };
    mistakes.about(ty, format!("{reason}: take `&[T]`, `Vec<T>` or `&Vec<T>`"));
}

//! Rules about the key: every argument is in it or skipped, knowingly.

use super::signature;
use crate::args::CacheArgs;
use crate::function::{Function, argument_name};
use crate::mistakes::Mistakes;
use crate::names;
use crate::template::{Piece, Placeholder, Template};
use syn::ext::IdentExt;
use syn::{FnArg, Ident};

pub(super) fn cache(args: &CacheArgs, function: &Function, mistakes: &mut Mistakes) {
    let skipped: &[Ident] = args.skip.as_ref().map_or(&[], |skip| skip.value.as_slice());
    // A name that is mistaken in one place would be missed in another.
    let mut unknown_name = skips(skipped, function, mistakes);
    if let Some(key) = &args.key {
        unknown_name |= placeholders(values(&key.value), function, mistakes);
        for name in skipped.iter().filter(|name| used(&key.value, name)) {
            let message = format!("`{name}` is in the key: skip it or use it, not both");
            mistakes.at(name.span(), message);
        }
    }
    if unknown_name || args.incomplete {
        return;
    }
    for input in &function.sig.inputs {
        every(input, args, skipped, mistakes);
    }
}

/// Every skipped name is an argument, once. Whether one is not.
pub(super) fn skips(skipped: &[Ident], function: &Function, mistakes: &mut Mistakes) -> bool {
    let mut unknown_name = false;
    for (position, name) in skipped.iter().enumerate() {
        if skipped[..position].contains(name) {
            mistakes.at(name.span(), format!("`{name}` is skipped already: name it once"));
        } else if !known(function, name) {
            unknown_name = true;
            mistakes.at(name.span(), unknown(function, name));
        }
    }
    unknown_name
}

/// Every placeholder begins with an argument. Whether one does not.
pub(super) fn placeholders<'t>(
    values: impl Iterator<Item = &'t Placeholder>,
    function: &Function,
    mistakes: &mut Mistakes,
) -> bool {
    let mut unknown_name = false;
    for placeholder in values.filter(|placeholder| !known(function, &placeholder.root)) {
        unknown_name = true;
        mistakes.at(placeholder.span, unknown(function, &placeholder.root));
    }
    unknown_name
}

/// The argument is used or skipped.
fn every(input: &FnArg, args: &CacheArgs, skipped: &[Ident], mistakes: &mut Mistakes) {
    let template = args.key.as_ref().map(|key| &key.value);
    match input {
        FnArg::Receiver(receiver) => {
            let is_self = |name: &Ident| name == "self";
            if !skipped.iter().any(is_self)
                && !template.is_some_and(|key| values(key).any(|value| is_self(&value.root)))
            {
                let message = match template {
                    Some(_) => {
                        "`self` is neither in the key nor skipped: add `skip(self)`, or use one of its fields, as in `{self.field}`"
                    }
                    None => {
                        "`self` as a whole is no key: add `skip(self)`, or write a `key` that uses one of its fields, as in `{self.field}`"
                    }
                };
                mistakes.about(receiver.self_token, message);
            }
        }
        FnArg::Typed(typed) => {
            let Some(name) = argument_name(&typed.pat) else {
                return;
            };
            if skipped.iter().any(|skipped| same(skipped, name)) {
                return;
            }
            match template {
                Some(key) if !used(key, name) => {
                    let plain = name.unraw();
                    let message = format!(
                        "`{plain}` is neither in the key nor skipped: add `{{{plain}}}` to the key if the result depends on it, else `skip({name})`"
                    );
                    mistakes.about(name, message);
                }
                _ => signature::key_argument(&typed.ty, mistakes),
            }
        }
    }
}

pub(super) fn values(template: &Template) -> impl Iterator<Item = &Placeholder> {
    template.pieces.iter().filter_map(|piece| match piece {
        Piece::Value(placeholder) => Some(placeholder),
        Piece::Text(_) => None,
    })
}

fn used(template: &Template, name: &Ident) -> bool {
    values(template).any(|value| same(&value.root, name))
}

pub(super) fn same(left: &Ident, right: &Ident) -> bool {
    left.unraw() == right.unraw()
}

pub(super) fn known(function: &Function, name: &Ident) -> bool {
    if name == "self" {
        return function.receiver().is_some();
    }
    function
        .arguments()
        .any(|(argument, _)| argument.is_some_and(|argument| same(argument, name)))
}

pub(super) fn unknown(function: &Function, name: &Ident) -> String {
    let mut names: Vec<String> = function
        .arguments()
        .filter_map(|(name, _)| Some(name?.unraw().to_string()))
        .collect();
    if function.receiver().is_some() {
        names.push("self".to_owned());
    }
    let plain = name.unraw().to_string();
    if names.is_empty() {
        return format!("`{plain}` is not an argument of this function, which has none");
    }
    format!(
        "`{plain}` is not an argument of this function: {}",
        names::suggestion(&plain, names.iter().map(String::as_str))
    )
}

//! The rules of `#[cache]`.

use super::{chain, closures, key, life, place, signature};
use crate::args::{Backend, CacheArgs};
use crate::function::{Form, Function, types_of, ungrouped};
use crate::mistakes::Mistakes;
use crate::names::MEMORY;
use syn::Type;

/// Notes every mistake. What the function yields, if that can be seen.
pub(crate) fn cache(args: &CacheArgs, function: &Function, mistakes: &mut Mistakes) -> Option<(Form, Type)> {
    let future = signature::any(function, mistakes);
    if let Some((_, output)) = &future {
        signature::cached(function, output, mistakes);
        returned(args, output, mistakes);
    }
    place::cache(args, None, function, mistakes);
    key::cache(args, function, mistakes);
    chain::cache(args, mistakes);
    closures::cache(
        args,
        function,
        future.as_ref().map(|(_, output)| output),
        mistakes,
    );
    life::cache(args, function, mistakes);
    remote(args, mistakes);
    if let (Some(share_error), Some(flight)) = (&args.share_error, &args.single_flight)
        && !flight.value
    {
        let message = "with `single_flight = \"off\"` no error is ever shared: remove one of the two";
        mistakes.at(share_error.name.span(), message);
    }
    if let Some(in_impl) = &args.in_impl
        && !in_impl.value
        && function.receiver().is_some()
    {
        mistakes.at(
            in_impl.name.span(),
            "a function with a receiver is in an `impl`: leave `in_impl` out",
        );
    }
    future
}

/// Rules about arguments that need a certain return type, where it can be seen.
fn returned(args: &CacheArgs, output: &Type, mistakes: &mut Mistakes) {
    let spelled = Spelled::of(output);
    if let Some(none_ttl) = &args.none_ttl
        && matches!(spelled, Spelled::Plain | Spelled::Result)
    {
        let message =
            "`none_ttl` keeps a `None`, and this function returns none: remove it, or return an `Option`";
        mistakes.at(none_ttl.name.span(), message);
    }
    if let Some(share_error) = &args.share_error
        && matches!(spelled, Spelled::Plain | Spelled::Option)
    {
        let message =
            "`share_error` makes errors for those who wait, and this function returns none: remove it";
        mistakes.at(share_error.name.span(), message);
    }
}

/// What can be seen of a return type. An alias may hide anything.
enum Spelled {
    Plain,
    Option,
    Result,
    ResultOption,
    Unknown,
}

impl Spelled {
    fn of(output: &Type) -> Self {
        let Type::Path(path) = ungrouped(output) else {
            return Self::Plain;
        };
        let Some(segment) = path.path.segments.last() else {
            return Self::Unknown;
        };
        let primitives = [
            "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
            "isize",
        ];
        match segment.ident.to_string().as_str() {
            "Option" => Self::Option,
            "Result" => match types_of(segment).next().map(ungrouped) {
                Some(Type::Path(inner))
                    if inner
                        .path
                        .segments
                        .last()
                        .is_some_and(|last| last.ident == "Option") =>
                {
                    Self::ResultOption
                }
                Some(_) => Self::Result,
                None => Self::Unknown,
            },
            "Vec" | "String" | "Arc" | "Box" | "HashMap" | "BTreeMap" => Self::Plain,
            name if primitives.contains(&name) => Self::Plain,
            _ => Self::Unknown,
        }
    }
}

/// Rules about what only remote stores look at.
fn remote(args: &CacheArgs, mistakes: &mut Mistakes) {
    let Some(Backend::Names(names)) = args.backend.as_ref().map(|backend| &backend.value) else {
        return;
    };
    if !names.iter().all(|name| MEMORY.contains(&name.value().as_str())) {
        return;
    }
    let idle = [
        args.codec.as_ref().map(|option| &option.name),
        args.version.as_ref().map(|option| &option.name),
        args.compress.as_ref().map(|option| &option.name),
    ];
    for name in idle.into_iter().flatten() {
        let message = format!(
            "`{name}` is about remote stores, and this chain keeps typed values in memory: remove it, or add a store"
        );
        mistakes.at(name.span(), message);
    }
}

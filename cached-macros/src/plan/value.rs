//! The type of the values that are kept, for the signatures of companions. (In the function's own body the type decides, not its name.)

use crate::function::{Function, types_of, ungrouped};
use crate::words::mentions;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{GenericParam, Type};

/// Types of the standard library that hold the value, whatever is in them.
const PLAIN: &[&str] = &[
    "Arc",
    "BTreeMap",
    "BTreeSet",
    "BinaryHeap",
    "Box",
    "Cow",
    "Duration",
    "HashMap",
    "HashSet",
    "PathBuf",
    "Rc",
    "String",
    "SystemTime",
    "Vec",
    "VecDeque",
    "bool",
    "char",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
];

/// The value's type, for a signature.
pub(super) fn of(output: &Type, function: &Function, in_impl: bool, door: &TokenStream) -> TokenStream {
    spelled(output, function, in_impl).map_or_else(
        || quote!(<#output as #door::Output<{ #door::kind!(#output) }>>::Value),
        ToTokens::into_token_stream,
    )
}

/// The value's type as spelled, or `None` if the type has to be asked, since it may be an alias of anything.
pub(super) fn spelled(output: &Type, function: &Function, in_impl: bool) -> Option<Type> {
    let output = ungrouped(output);
    let Type::Path(path) = output else {
        return Some(output.clone());
    };
    let Some(segment) = path.path.segments.last() else {
        return Some(output.clone());
    };
    let inner = types_of(segment).next().map(ungrouped);
    match (segment.ident.to_string().as_str(), inner) {
        ("Result", Some(inner)) => return Some(option_value(inner).unwrap_or(inner).clone()),
        ("Option", Some(inner)) => return Some(inner.clone()),
        (name, _) if PLAIN.contains(&name) => return Some(output.clone()),
        _ => {}
    }
    is_generic(output, function, in_impl).then(|| output.clone())
}

fn option_value(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path
        .path
        .segments
        .last()
        .filter(|segment| segment.ident == "Option")?;
    types_of(segment).next().map(ungrouped)
}

/// Whether the type names a parameter, so that it cannot be asked in a constant. The parameters of an `impl` are out of sight: a single
/// capital letter, perhaps with a digit, is taken for one.
fn is_generic(ty: &Type, function: &Function, in_impl: bool) -> bool {
    let tokens = ty.to_token_stream();
    let of_function = function.sig.generics.params.iter().any(|param| match param {
        GenericParam::Type(param) => mentions(&tokens, &param.ident.to_string()),
        GenericParam::Const(param) => mentions(&tokens, &param.ident.to_string()),
        GenericParam::Lifetime(_) => false,
    });
    let letter = |c: char| {
        let digits = ('0'..='9').map(|digit| format!("{c}{digit}"));
        std::iter::once(c.to_string())
            .chain(digits)
            .any(|name| mentions(&tokens, &name))
    };
    of_function || mentions(&tokens, "Self") || in_impl && ('A'..='Z').any(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(output: &proc_macro2::TokenStream, in_impl: bool) -> Option<String> {
        let function: Function = syn::parse2(quote!(async fn f<T>() -> #output {})).expect("a function");
        let (_, output) = function.future().expect("a future");
        spelled(&output, &function, in_impl).map(|ty| ty.to_token_stream().to_string().replace(' ', ""))
    }

    #[test]
    fn results_and_options_are_read_as_spelled() {
        let user = Some("User".to_owned());
        assert_eq!(value(&quote!(Result<User, E>), false), user);
        assert_eq!(value(&quote!(io::Result<User>), false), user);
        assert_eq!(value(&quote!(Option<User>), false), user);
        assert_eq!(value(&quote!(anyhow::Result<Option<User>>), false), user);
        assert_eq!(
            value(&quote!(Result<Vec<Option<User>>>), false),
            Some("Vec<Option<User>>".to_owned())
        );
        assert_eq!(
            value(&quote!(Option<Option<User>>), false),
            Some("Option<User>".to_owned())
        );
    }

    #[test]
    fn what_may_be_an_alias_is_asked_by_type_unless_it_is_generic() {
        assert_eq!(value(&quote!(User), false), None);
        assert_eq!(value(&quote!(Answer<User>), false), None);
        assert_eq!(value(&quote!(Page<T>), false), Some("Page<T>".to_owned()));
        assert_eq!(value(&quote!(Page<K>), false), None);
        assert_eq!(value(&quote!(Page<K>), true), Some("Page<K>".to_owned()));
        assert_eq!(value(&quote!(Page<User>), true), None);
        assert_eq!(value(&quote!(Vec<u8>), false), Some("Vec<u8>".to_owned()));
        assert_eq!(value(&quote!((u8, User)), false), Some("(u8,User)".to_owned()));
    }
}

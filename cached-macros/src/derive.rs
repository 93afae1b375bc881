//! `#[derive(KeyPart)]`: a user's type as part of a key.
//!
//! | type | writes |
//! |---|---|
//! | tuple struct of one field | what the field writes |
//! | any other struct | the sequence of its fields, in order of declaration |
//! | variant without fields | its name |
//! | variant with fields | the sequence of its name and its fields |
//!
//! Knows the runtime by the paths of its public items only.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Data, DataEnum, DeriveInput, Error, Field, Fields, Generics, Ident, Path, Type, parse_quote};

/// The impl, or the compile error that says why there is none.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    implement(input).unwrap_or_else(Error::into_compile_error)
}

fn implement(input: &DeriveInput) -> Result<TokenStream, Error> {
    let runtime = runtime_path(input)?;
    let body = match &input.data {
        Data::Struct(data) => struct_body(&data.fields),
        Data::Enum(data) => enum_body(data),
        Data::Union(data) => {
            return Err(Error::new(
                data.union_token.span,
                "a union does not know which of its fields is set, so it cannot be part of a key: use an enum",
            ));
        }
    };
    let number = match &input.data {
        Data::Struct(data) => only(&data.fields)
            .filter(|field| is_integer(&field.ty))
            .map(|field| number(field, &runtime)),
        Data::Enum(_) | Data::Union(_) => None,
    };
    let name = &input.ident;
    let generics = bounded(input, &runtime);
    let (of, arguments, bounds) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #of #runtime::KeyPart for #name #arguments #bounds {
            #[inline]
            fn write(&self, key: #runtime::KeyWriter<'_>) -> #runtime::Written {
                #body
            }
            #number
        }
    })
}

/// The field of a tuple struct that has one.
fn only(fields: &Fields) -> Option<&Field> {
    match fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first(),
        _ => None,
    }
}

/// Whether it is written as an integer's: of another one it would be said a second time that it is no part.
fn is_integer(ty: &Type) -> bool {
    const INTEGERS: [&str; 12] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
    ];
    match ty {
        Type::Path(path) => path
            .path
            .get_ident()
            .is_some_and(|ident| INTEGERS.iter().any(|integer| ident == integer)),
        _ => false,
    }
}

/// The number that a type of one field writes is the field's.
fn number(field: &Field, runtime: &Path) -> TokenStream {
    let span = place(field);
    quote_spanned! {span=>
        #[inline]
        fn __number(&self) -> ::core::option::Option<::core::primitive::u64> {
            #runtime::KeyPart::__number(&self.0)
        }
    }
}

/// Where the runtime is found: `#[key_part(crate = path)]`, else by its own name.
fn runtime_path(input: &DeriveInput) -> Result<Path, Error> {
    let mut runtime = None;
    for attribute in input
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("key_part"))
    {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("`key_part` takes `crate = path` only"));
            }
            match runtime.replace(meta.value()?.call(Path::parse_mod_style)?) {
                None => Ok(()),
                Some(_) => Err(meta.error("`crate` is given twice: keep one")),
            }
        })?;
    }
    Ok(runtime.unwrap_or_else(|| parse_quote!(::cached_runtime)))
}

fn struct_body(fields: &Fields) -> TokenStream {
    match only(fields) {
        Some(field) => {
            let span = place(field);
            quote_spanned!(span=> key.part(&self.0))
        }
        None => sequence(fields.iter().zip(fields.members()).map(|(field, member)| {
            let span = place(field);
            quote_spanned!(span=> sequence.part(&self.#member);)
        })),
    }
}

fn enum_body(data: &DataEnum) -> TokenStream {
    if data.variants.is_empty() {
        return quote!(match *self {});
    }
    let arms = data.variants.iter().map(|variant| {
        let name = &variant.ident;
        let text = name.unraw().to_string();
        if variant.fields.is_empty() {
            return quote!(Self::#name { .. } => key.text(#text),);
        }
        let members = variant.fields.members();
        // Names of our own, so that no field can hide `key`.
        let local = |(index, field)| {
            format_ident!(
                "field_{index}",
                span = Span::mixed_site().located_at(place(field))
            )
        };
        let locals: Vec<Ident> = variant.fields.iter().enumerate().map(local).collect();
        let parts = variant.fields.iter().zip(&locals).map(|(field, local)| {
            let span = place(field);
            quote_spanned!(span=> sequence.part(#local);)
        });
        let body = sequence(std::iter::once(quote!(sequence.part(#text);)).chain(parts));
        quote!(Self::#name { #(#members: #locals),* } => #body,)
    });
    quote!(match self { #(#arms)* })
}

fn sequence(parts: impl Iterator<Item = TokenStream>) -> TokenStream {
    let parts: TokenStream = parts.collect();
    let sequence = if parts.is_empty() {
        quote!(_)
    } else {
        quote!(sequence)
    };
    quote!(key.sequence(|#sequence| { #parts }))
}

/// Where a field that is no part is reported: at its type, with names still those of the generated code.
fn place(field: &Field) -> Span {
    Span::call_site().located_at(field.ty.span())
}

/// The type's generics, with a bound for each field whose type names a parameter.
fn bounded(input: &DeriveInput, runtime: &Path) -> Generics {
    let mut generics = input.generics.clone();
    let parameters: Vec<Ident> = input
        .generics
        .type_params()
        .map(|parameter| parameter.ident.clone())
        .collect();
    let mut bounded: Vec<Type> = Vec::new();
    for field in types(&input.data) {
        let mut names = Names::default();
        names.visit_type(field);
        let mentioned = parameters.iter().filter(|parameter| names.0.contains(parameter));
        if names.0.contains(&input.ident) {
            // A bound on the type itself would have the compiler prove the impl by the impl.
            bounded.extend(mentioned.map(|parameter| parse_quote!(#parameter)));
        } else if mentioned.count() > 0 {
            bounded.push(field.clone());
        }
    }
    let mut unique = Vec::new();
    bounded.retain(|of| {
        !unique.contains(of) && {
            unique.push(of.clone());
            true
        }
    });
    if !bounded.is_empty() {
        let predicates = &mut generics.make_where_clause().predicates;
        predicates.extend(
            bounded
                .iter()
                .map(|of| -> syn::WherePredicate { parse_quote!(#of: #runtime::KeyPart) }),
        );
    }
    generics
}

fn types(data: &Data) -> Vec<&Type> {
    let fields: Vec<&Fields> = match data {
        Data::Struct(data) => vec![&data.fields],
        Data::Enum(data) => data.variants.iter().map(|variant| &variant.fields).collect(),
        Data::Union(_) => Vec::new(),
    };
    fields.into_iter().flatten().map(|field| &field.ty).collect()
}

/// Every identifier that a type mentions.
#[derive(Default)]
struct Names(Vec<Ident>);

impl<'ast> Visit<'ast> for Names {
    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.0.push(ident.clone());
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    fn bounds(input: &DeriveInput) -> String {
        let generics = bounded(input, &parse_quote!(r));
        generics
            .where_clause
            .map(|bounds| bounds.to_token_stream().to_string())
            .unwrap_or_default()
    }

    #[test]
    fn fields_that_name_a_parameter_are_bounded_once() {
        assert_eq!(
            bounds(&parse_quote!(
                struct S<T> {
                    a: u8,
                    b: Vec<T>,
                    c: Vec<T>,
                    d: T,
                }
            )),
            "where Vec < T > : r :: KeyPart , T : r :: KeyPart"
        );
        assert_eq!(
            bounds(&parse_quote!(
                struct S<T>(u8, String);
            )),
            ""
        );
        assert_eq!(
            bounds(&parse_quote!(
                struct S<T>(T)
                where
                    T: Copy;
            )),
            "where T : Copy , T : r :: KeyPart"
        );
        assert_eq!(
            bounds(&parse_quote!(
                enum S<A, B> {
                    Leaf(A),
                    Node(Box<S<A, B>>),
                }
            )),
            "where A : r :: KeyPart , B : r :: KeyPart"
        );
    }

    #[test]
    fn what_cannot_be_derived_says_why() {
        let message = |input: DeriveInput| implement(&input).unwrap_err().to_string();
        assert!(message(parse_quote!(union U { a: u8 })).starts_with("a union does not know"));
        assert_eq!(
            message(parse_quote!(
                #[key_part(name = "x")]
                struct S;
            )),
            "`key_part` takes `crate = path` only"
        );
        assert_eq!(
            message(parse_quote!(
                #[key_part(crate = a, crate = b)]
                struct S;
            )),
            "`crate` is given twice: keep one"
        );
    }
}

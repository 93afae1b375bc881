//! The function under an attribute, as far as an attribute has to understand it: its signature, what its future yields, and its body as
//! tokens (so that a body in the middle of being typed is no concern of ours).

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, Expr, ExprAsync, FnArg, GenericArgument, Ident, Pat, PathArguments, PathSegment, Receiver,
    ReceiverKind, ReturnType, Signature, Stmt, Token, Type, TypeParamBound, Visibility,
};

/// A function with a body.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) sig: Signature,
    /// With its braces.
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        let defaultness = if input.peek(Token![default]) {
            Some(input.parse()?)
        } else {
            None
        };
        if let Some((span, what, cure)) = not_a_function(input) {
            let message =
                format!("this attribute goes on an async function with a body; this is {what}: {cure}");
            return Err(syn::Error::new(span, message));
        }
        let sig: Signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(syn::Error::new(
                sig.ident.span(),
                "this attribute goes on a function with a body; this one only declares it: annotate it in the `impl`",
            ));
        }
        match in_macro(input.parse()?) {
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace && input.is_empty() => Ok(Self {
                attrs,
                vis,
                defaultness,
                sig,
                body,
            }),
            other => Err(syn::Error::new(other.span(), "expected the body of the function")),
        }
    }
}

/// What a macro has put here as one of its `$arguments`, such as a block.
fn in_macro(tokens: TokenTree) -> TokenTree {
    let TokenTree::Group(group) = &tokens else {
        return tokens;
    };
    let mut inner = group.stream().into_iter();
    match (group.delimiter(), inner.next(), inner.next()) {
        (Delimiter::None, Some(inside), None) => in_macro(inside),
        _ => tokens,
    }
}

/// What stands here instead of a function, and where the attribute belongs.
fn not_a_function(input: ParseStream) -> Option<(Span, &'static str, &'static str)> {
    const ELSEWHERE: &str = "move it to the function whose results are to be kept";
    let ahead = input.fork();
    if ahead.peek(Token![unsafe]) && (ahead.peek2(Token![impl]) || ahead.peek2(Token![trait])) {
        ahead.parse::<Token![unsafe]>().ok()?;
    }
    let (what, cure) = match () {
        () if ahead.peek(Token![struct]) => ("a struct", ELSEWHERE),
        () if ahead.peek(Token![enum]) => ("an enum", ELSEWHERE),
        () if ahead.peek(Token![impl]) => ("an `impl` block", "move it to the methods in it"),
        () if ahead.peek(Token![trait]) => ("a trait", "move it to the methods of an `impl` of it"),
        () if ahead.peek(Token![mod]) => ("a module", "move it to the functions in it"),
        () if ahead.peek(Token![static]) => ("a static", ELSEWHERE),
        () if ahead.peek(Token![type]) => ("a type alias", ELSEWHERE),
        () if ahead.peek(Token![use]) => ("an import", ELSEWHERE),
        () if ahead.peek(Token![let]) => ("a variable", ELSEWHERE),
        () if ahead.peek(Token![const]) && ahead.peek3(Token![:]) => ("a constant", ELSEWHERE),
        () => return None,
    };
    Some((ahead.span(), what, cure))
}

/// How the function says that it is asynchronous.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// `async fn`
    Async,
    /// `fn .. -> impl Future<Output = R>`
    Future,
    /// `fn .. -> Pin<Box<dyn Future<Output = R>>>`, as `#[async_trait]` leaves it.
    Boxed,
}

impl Function {
    /// The form of the function and the type its future yields; `None` if it is not asynchronous.
    pub(crate) fn future(&self) -> Option<(Form, Type)> {
        if self.sig.asyncness.is_some() {
            let output = match &self.sig.output {
                ReturnType::Default => syn::parse_quote!(()),
                ReturnType::Type(_, output) => (**output).clone(),
            };
            return Some((Form::Async, output));
        }
        let ReturnType::Type(_, returned) = &self.sig.output else {
            return None;
        };
        match ungrouped(returned) {
            Type::ImplTrait(returned) => output_of(&returned.bounds).map(|output| (Form::Future, output)),
            Type::Path(returned) => {
                let segment = returned.path.segments.last()?;
                match segment.ident.to_string().as_str() {
                    "Pin" => boxed_output(first_type(segment)?),
                    "BoxFuture" | "LocalBoxFuture" => first_type(segment).cloned(),
                    _ => None,
                }
                .map(|output| (Form::Boxed, output))
            }
            _ => None,
        }
    }

    /// `self`, as the function takes it.
    pub(crate) fn receiver(&self) -> Option<&Receiver> {
        self.sig.receiver()
    }

    /// The arguments after the receiver: their names (none for a pattern) and types.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = (Option<&Ident>, &syn::PatType)> {
        self.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some((argument_name(&typed.pat), typed)),
            FnArg::Receiver(_) => None,
        })
    }

    /// What stands between the braces of the body, to be put into a block of ours: of a block that is all there is in
    /// another one, the compiler says that its braces are not needed. Attributes of the body itself need them.
    pub(crate) fn statements(&self) -> TokenStream {
        let mut tokens = self.body.stream().into_iter();
        let mut is = |mark| matches!(tokens.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
        if is('#') && is('!') {
            TokenTree::from(self.body.clone()).into()
        } else {
            self.body.stream()
        }
    }

    /// The block of `Box::pin(async move { .. })`, where the body is nothing but that.
    pub(crate) fn boxed_block(&self) -> Option<ExprAsync> {
        let block: syn::Block = syn::parse2(TokenTree::from(self.body.clone()).into()).ok()?;
        let [Stmt::Expr(Expr::Call(call), None)] = block.stmts.as_slice() else {
            return None;
        };
        let Expr::Path(function) = &*call.func else {
            return None;
        };
        let mut segments = function.path.segments.iter().rev();
        let is_box_pin = segments.next().is_some_and(|last| last.ident == "pin")
            && segments.next().is_some_and(|owner| owner.ident == "Box");
        let Some(Expr::Async(future)) = call.args.first() else {
            return None;
        };
        (is_box_pin && call.args.len() == 1 && future.capture.is_some()).then(|| future.clone())
    }
}

/// Whether the function borrows `self`.
pub(crate) fn is_borrowed(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => matches!(ungrouped(ty), Type::Reference(_)),
        _ => false,
    }
}

/// The name an argument has, if its pattern is nothing but a name.
pub(crate) fn argument_name(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() => Some(&name.ident),
        Pat::Paren(inner) => argument_name(&inner.pat),
        _ => None,
    }
}

/// The type without the invisible groups and parentheses around it.
pub(crate) fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        other => other,
    }
}

/// The types in a path segment's angle brackets.
pub(crate) fn types_of(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let args = match &segment.arguments {
        PathArguments::AngleBracketed(brackets) => Some(brackets.args.iter()),
        _ => None,
    };
    args.into_iter().flatten().filter_map(|arg| match arg {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn first_type(segment: &PathSegment) -> Option<&Type> {
    types_of(segment).next().map(ungrouped)
}

/// `R` of `Box<dyn Future<Output = R> + ..>`.
fn boxed_output(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ungrouped(ty) else {
        return None;
    };
    let segment = path
        .path
        .segments
        .last()
        .filter(|segment| segment.ident == "Box")?;
    match first_type(segment)? {
        Type::TraitObject(object) => output_of(&object.bounds),
        _ => None,
    }
}

/// `R` of `Future<Output = R> + ..`.
fn output_of<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> Option<Type> {
    bounds.into_iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let segment = bound
            .path
            .segments
            .last()
            .filter(|segment| segment.ident == "Future")?;
        let PathArguments::AngleBracketed(brackets) = &segment.arguments else {
            return None;
        };
        brackets.args.iter().find_map(|arg| match arg {
            GenericArgument::AssocType(assoc) if assoc.ident == "Output" => Some(assoc.ty.clone()),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::{ToTokens, quote};

    fn parsed(tokens: TokenStream) -> Function {
        syn::parse2(tokens).expect("a function")
    }

    fn future(tokens: TokenStream) -> Option<(Form, String)> {
        parsed(tokens)
            .future()
            .map(|(form, output)| (form, output.to_token_stream().to_string().replace(' ', "")))
    }

    #[test]
    fn every_form_of_future_is_recognised() {
        let user = "Result<User,E>".to_owned();
        assert_eq!(
            future(quote!(
                async fn f() -> Result<User, E> {}
            )),
            Some((Form::Async, user.clone()))
        );
        assert_eq!(
            future(quote!(
                async fn f() {}
            )),
            Some((Form::Async, "()".to_owned()))
        );
        let form = future(quote!(
            fn f() -> impl Send + ::core::future::Future<Output = Result<User, E>> {}
        ));
        assert_eq!(form, Some((Form::Future, user.clone())));
        let form = future(quote!(
            fn f() -> ::core::pin::Pin<Box<dyn Future<Output = Result<User, E>> + Send + 'a>> {}
        ));
        assert_eq!(form, Some((Form::Boxed, user.clone())));
        assert_eq!(
            future(quote!(
                fn f() -> BoxFuture<'a, Result<User, E>> {}
            )),
            Some((Form::Boxed, user))
        );
        assert_eq!(
            future(quote!(
                fn f() -> User {}
            )),
            None
        );
        assert_eq!(
            future(quote!(
                fn f() {}
            )),
            None
        );
    }

    #[test]
    fn a_boxed_block_is_found_only_where_it_is_everything() {
        assert!(
            parsed(quote!(
                fn f() -> X {
                    Box::pin(async move { 1 })
                }
            ))
            .boxed_block()
            .is_some()
        );
        assert!(
            parsed(quote!(
                fn f() -> X {
                    ::std::boxed::Box::pin(async move { 1 })
                }
            ))
            .boxed_block()
            .is_some()
        );
        assert!(
            parsed(quote!(
                fn f() -> X {
                    let a = 1;
                    Box::pin(async move { a })
                }
            ))
            .boxed_block()
            .is_none()
        );
        assert!(
            parsed(quote!(
                fn f() -> X {
                    Box::pin(async { 1 })
                }
            ))
            .boxed_block()
            .is_none()
        );
    }

    #[test]
    fn a_body_that_does_not_parse_is_no_concern() {
        assert!(syn::parse2::<Function>(quote!(async fn f(id: u64) -> u64 { id. })).is_ok());
    }
}

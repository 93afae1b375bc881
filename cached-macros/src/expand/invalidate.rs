//! A function that makes entries wrong: what it removes and what it gives new values, around its body.

use super::{body, update};
use crate::args::When;
use crate::names::{borrowed, local};
use crate::plan::{Entry, Removal, Text, Word, WriterPlan};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Expr;
use syn::ext::IdentExt;

pub(super) fn function(plan: &WriterPlan) -> TokenStream {
    let attrs = &plan.function.attrs;
    let vis = &plan.function.vis;
    let defaultness = &plan.function.defaultness;
    let sig = &plan.function.sig;
    let lints = body::lints(plan.form);
    let block = body::in_form(&plan.function, plan.form, &plan.door, &statements(plan));
    quote! {
        #(#attrs)*
        #lints
        #vis #defaultness #sig #block
    }
}

fn statements(plan: &WriterPlan) -> TokenStream {
    let site = Span::mixed_site();
    let (door, output) = (&plan.door, &plan.output);
    let [shape, writer, returned] = ["__shape", "__writer", "__output"].map(local);
    let when = Ident::new(
        if plan.when == When::Before {
            "Before"
        } else {
            "After"
        },
        site,
    );
    let mut steps = Steps::new(plan, &writer, &returned);
    for (position, removal) in plan.removals.iter().enumerate() {
        steps.removal(position, removal);
    }
    for (position, planned) in plan.updates.iter().enumerate() {
        update::update(&mut steps, position, planned);
    }
    let Steps {
        before,
        values,
        after,
        unknown,
        ..
    } = steps;
    // Boxed, since what runs it holds it several times, and another writer's attribute may make this one its body.
    let body = body::future(&plan.function, plan.form, output);
    let body = quote_spanned!(site=> #door::Box::pin(#body));
    let run = if plan.when == When::Always {
        quote_spanned!(site=> #door::write_always(#shape, #writer, #body).await)
    } else if after.is_empty() {
        quote_spanned!(site=> #door::write(#shape, #writer, #body).await)
    } else {
        quote_spanned! {site=>
            #door::write_with(
                #shape,
                #writer,
                #body,
                |#writer: &mut #door::Writer, #returned| { #(#after)* },
                |#writer: &mut #door::Writer| { #(#unknown)* },
            ).await
        }
    };
    quote_spanned! {site=>
        let #shape = #door::probe!(#output);
        let mut #writer = #door::Writer::new(#door::When::#when);
        #(#before)*
        #(#values)*
        #run
    }
}

/// What is done with the targets: before the body, after it, and when its end was never seen.
pub(super) struct Steps<'a> {
    pub(super) door: &'a TokenStream,
    function: String,
    pub(super) writer: &'a Ident,
    pub(super) returned: &'a Ident,
    pub(super) before: Vec<TokenStream>,
    /// Before the body too, when all keys are known: a value may take what they are made of.
    pub(super) values: Vec<TokenStream>,
    pub(super) after: Vec<TokenStream>,
    pub(super) unknown: Vec<TokenStream>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(plan: &'a WriterPlan, writer: &'a Ident, returned: &'a Ident) -> Self {
        Self {
            door: &plan.door,
            function: plan.function.sig.ident.unraw().to_string(),
            writer,
            returned,
            before: Vec::new(),
            values: Vec::new(),
            after: Vec::new(),
            unknown: Vec::new(),
        }
    }
}

impl Steps<'_> {
    fn removal(&mut self, position: usize, removal: &Removal) {
        let writer = self.writer;
        match removal {
            Removal::Cache { cache, caches, span } => {
                let caches = caches
                    .as_ref()
                    .map(|caches| borrowed(&parenthesized(&caches.to_token_stream())));
                self.before
                    .push(quote_spanned!(resolved(*span)=> #writer.cache(&#cache(#caches));));
            }
            Removal::Entry(entry) => {
                let (made, whole) = self.entry(position, entry);
                let step = quote_spanned!(resolved(entry.span)=> #writer.entry(&#made););
                match &entry.output {
                    None => self.before.push(step),
                    Some(output) => {
                        self.with_output(&[output], &step);
                        self.unknown.push(whole);
                    }
                }
            }
            Removal::Text {
                text,
                pattern,
                caches,
                output,
                span,
            } => {
                self.text(
                    position,
                    text,
                    *pattern,
                    caches.as_ref(),
                    output.as_ref(),
                    resolved(*span),
                );
            }
        }
    }

    /// The expression of an entry, and the removal of its whole cache for when that will not be known.
    pub(super) fn entry(&mut self, position: usize, entry: &Entry) -> (TokenStream, TokenStream) {
        let Entry {
            receiver,
            companion,
            arguments,
            parentheses,
            cache,
            item,
            span,
            ..
        } = entry;
        let (span, writer) = (resolved(*span), self.writer);
        let receiver = receiver.as_ref().map(|receiver| {
            let receiver = self.argument(position, arguments.len(), receiver);
            quote!(#receiver.)
        });
        let first_is_output = matches!(arguments.first(), Some(Word::Output(_)));
        let arguments: Vec<TokenStream> = arguments
            .iter()
            .enumerate()
            .map(|(index, word)| self.argument(position, index, word))
            .collect();
        // The function may be one that is passed its `Caches` first.
        let first = arguments.first().filter(|_| !first_is_output);
        let first = first.map_or_else(|| quote!(&()), |first| borrowed(&parenthesized(first)));
        let is_item =
            |argument: &TokenStream| item.as_ref().is_some_and(|item| *item == argument.to_string());
        let arguments = arguments.iter().map(|argument| {
            if is_item(argument) {
                argument.clone()
            } else {
                borrowed(&parenthesized(argument))
            }
        });
        // What the compiler proposes for arguments that are missing or too many goes in the place of the user's own.
        let mut listed = Group::new(Delimiter::Parenthesis, quote!(#(#arguments),*));
        listed.set_span(resolved(*parentheses));
        (
            quote_spanned!(span=> #receiver #companion #listed),
            quote_spanned!(span=> #writer.whole(#cache, #first);),
        )
    }

    /// Keys as text are rendered before the body, as far as they can be.
    fn text(
        &mut self,
        position: usize,
        text: &Text,
        pattern: bool,
        caches: Option<&Expr>,
        output: Option<&Ident>,
        span: Span,
    ) {
        let (door, writer) = (self.door, self.writer);
        if pattern && caches.is_none() {
            self.before.push(self.registration(text));
        }
        let caches = caches.map_or_else(
            || quote_spanned!(span=> ::core::option::Option::None),
            |caches| {
                let caches = borrowed(&caches.to_token_stream());
                quote_spanned!(span=> ::core::option::Option::Some(#door::caches_of(#caches)))
            },
        );
        let method = Ident::new(if pattern { "pattern" } else { "key" }, span);
        let Some(output) = output else {
            let rendered = self.rendered(text, |word| match word {
                Ok(text) => quote!(push_text(#text)),
                Err(word) => {
                    let expr = word.expr();
                    quote!(push_value(&#expr))
                }
            });
            self.before
                .push(quote_spanned!(span=> #writer.#method(#caches, #rendered);));
            return;
        };
        let mut known = Vec::new();
        for (index, word) in text.0.iter().enumerate() {
            if let Err(word) = word
                && !matches!(word, Word::Output(_))
            {
                let (kept, expr) = (kept(position, index), word.expr());
                known.push(
                    quote_spanned!(span=> let #kept = #door::KeyText::new().push_value(&#expr).finish();),
                );
            }
        }
        self.before.append(&mut known);
        let places: Vec<Ident> = (0..text.0.len()).map(|index| kept(position, index)).collect();
        let mut place = places.iter();
        let rendered = self.rendered(text, |word| {
            let kept = place.next();
            match word {
                Ok(text) => quote!(push_text(#text)),
                Err(Word::Output(expr)) => quote!(push_value(&#expr)),
                Err(_) => quote!(push_text(&#kept)),
            }
        });
        self.with_output(
            &[output],
            &quote_spanned!(span=> #writer.#method(#caches, #rendered);),
        );
        let mut place = places.iter();
        let glob = self.rendered(text, |word| {
            let kept = place.next();
            match word {
                Ok(text) if pattern => quote!(push_text(#text)),
                Ok(text) => {
                    let text = literal_glob(text);
                    quote!(push_text(#text))
                }
                Err(Word::Output(_)) => quote!(push_text("*")),
                Err(_) => quote!(push_text(&#kept)),
            }
        });
        let method = Ident::new(if pattern { "pattern" } else { "one_of" }, span);
        self.unknown
            .push(quote_spanned!(span=> #writer.#method(#caches, #glob);));
    }

    /// Tells the program of a pattern, so that what cannot work is refused when it starts.
    fn registration(&self, text: &Text) -> TokenStream {
        let (door, function) = (self.door, &self.function);
        let pieces = text.0.iter().map(|word| match word {
            Ok(text) => quote!(#door::Piece::Text(#text)),
            Err(_) => quote!(#door::Piece::Value),
        });
        quote! {
            const _: () = {
                static __PATTERN: #door::Pattern =
                    #door::Pattern::new(#function, &[#(#pieces),*], ::core::file!(), ::core::line!());
                #door::inventory::submit! { &__PATTERN }
            };
        }
    }

    fn rendered(&self, text: &Text, word: impl FnMut(&Result<String, Word>) -> TokenStream) -> TokenStream {
        let door = self.door;
        let pushes = text.0.iter().map(word);
        quote_spanned!(Span::mixed_site()=> #door::KeyText::new()#(.#pushes)*.finish())
    }

    /// The expression of one argument, and what has to be done before for it.
    fn argument(&mut self, position: usize, index: usize, word: &Word) -> TokenStream {
        match word {
            Word::Now(expr) | Word::Output(expr) => expr.clone(),
            Word::Kept(expr) => {
                let kept = kept(position, index);
                self.before
                    .push(quote_spanned!(Span::mixed_site()=> let #kept = #expr;));
                quote!(#kept)
            }
            Word::Copied(expr) => {
                let (door, kept) = (self.door, kept(position, index));
                self.before
                    .push(quote_spanned!(Span::mixed_site()=> let #kept = #door::keep(&#expr);));
                quote!(#kept)
            }
        }
    }

    /// Under the name that the user wrote.
    pub(super) fn with_output(&mut self, outputs: &[&Ident], step: &TokenStream) {
        let returned = self.returned;
        self.after
            .push(quote!({ #(#[allow(unused_variables)] let #outputs = #returned;)* #step }));
    }
}

/// One expression, whatever stands before it.
fn parenthesized(expr: &TokenStream) -> TokenStream {
    let mut group = Group::new(Delimiter::Parenthesis, expr.clone());
    if let Some(first) = expr.clone().into_iter().next() {
        group.set_span(first.span());
    }
    TokenTree::from(group).into()
}

/// A local that keeps an argument over the body.
fn kept(position: usize, index: usize) -> Ident {
    local(&format_ident!("__kept_{position}_{index}").to_string())
}

/// There, and still out of the user's sight.
pub(super) fn resolved(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// The text as a glob that matches nothing else.
fn literal_glob(text: &str) -> String {
    text.chars().fold(String::new(), |mut glob, c| {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^' | '-') {
            glob.push('\\');
        }
        glob.push(c);
        glob
    })
}

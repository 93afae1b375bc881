//! A function whose body runs later: what it hands to the queue, and its body as a function of its own.

use super::invalidate::{Steps, resolved};
use super::update::of_item;
use super::{attributes, body, call, entry, owned};
use crate::names::{local, located, respan};
use crate::plan::{BehindPlan, IdsForm, Update, Value};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, GenericParam};

pub(super) fn function(plan: &BehindPlan) -> TokenStream {
    let function = &plan.writer.function;
    let (of_body, attrs): (Vec<&Attribute>, Vec<&Attribute>) =
        function.attrs.iter().partition(|attr| is_of_writer(attr));
    let vis = &function.vis;
    let defaultness = &function.defaultness;
    let sig = call::without_mut(&function.sig);
    let name = name(plan);
    let now = now(plan, &name, &of_body);
    let (inside, beside) = if plan.in_impl {
        (None, Some(now))
    } else {
        (Some(now), None)
    };
    let statements = statements(plan, &name);
    let lints = body::lints(plan.writer.form);
    let statements = quote!(#inside #statements);
    let block = body::in_form(function, plan.writer.form, &plan.writer.door, &statements);
    quote! {
        #(#attrs)*
        #lints
        #vis #defaultness #sig #block
        #beside
    }
}

/// What other attributes of ours do belongs to the time when the body has run.
fn is_of_writer(attr: &Attribute) -> bool {
    let last = attr.path().segments.last();
    last.is_some_and(|last| last.ident == "invalidate" || last.ident == "update")
}

/// Not found where no sibling may stand; the name is all that can be said there.
fn name(plan: &BehindPlan) -> Ident {
    let ident = &plan.writer.function.sig.ident;
    let plain = ident.unraw();
    format_ident!(
        "__{plain}_needs_an_impl_that_is_not_of_a_trait",
        span = ident.span()
    )
}

/// The body.
fn now(plan: &BehindPlan, name: &Ident, of_body: &[&Attribute]) -> TokenStream {
    let function = &plan.writer.function;
    let attrs = attributes::on_body(&function.attrs);
    let lints = entry::lints();
    let mut sig = function.sig.clone();
    sig.ident = name.clone();
    let (body, used) = (function.statements(), &plan.used);
    quote! {
        #attrs
        #(#of_body)*
        #[doc(hidden)]
        #lints
        #sig { #(let _ = &#used;)* #body }
    }
}

fn statements(plan: &BehindPlan, name: &Ident) -> TokenStream {
    let site = Span::mixed_site();
    let door = &plan.writer.door;
    let output = &plan.writer.output;
    let [writer, returned, shape] = ["__writer", "__output", "__shape"].map(local);
    let mut steps = Steps::new(&plan.writer, &writer, &returned);
    let Some(update) = plan.writer.updates.first() else {
        return TokenStream::new();
    };
    let Value::Before(new) = &update.value else {
        return TokenStream::new();
    };
    let (made, _) = steps.entry(0, &update.entry);
    let returned_there = located(quote_spanned!(site=> #door::returned(#shape)), plan.returned);
    let missing = local("__items");
    let given = plan.batch.as_ref().map(|batch| {
        let given = match batch.form {
            IdsForm::Borrowed => quote_spanned!(site=> &#missing),
            IdsForm::Owned => missing.to_token_stream(),
        };
        (&batch.items, given)
    });
    let owned::Owned { copies, arguments } = owned::arguments(&plan.writer.function, door, given.as_ref());
    let (once, each) = shared(plan);
    let run = run(plan, name, &arguments);
    let settings = settings(plan);
    let (write, named, parameter) = match (&update.items, &update.entry.item) {
        (Some(items), Some(item)) => {
            let write = quote_spanned!(site=> #door::write_behind_each);
            let named = items_named(plan, update, (items, item), &made, new);
            (write, named, missing.to_token_stream())
        }
        _ => {
            let write = quote_spanned!(site=> #door::write_behind);
            (write, entry_named(door, update, &made, new), TokenStream::new())
        }
    };
    let Named {
        statements,
        arguments,
    } = named;
    quote_spanned! {site=>
        #settings
        let #shape = #door::probe!(#output);
        let #returned = #returned_there;
        #statements
        #copies
        #once
        #write(
            #returned,
            #arguments,
            &__SETTINGS,
            #door::told!(#shape),
            move |#parameter| {
                #each
                async move { #run.await }
            },
        ).await
    }
}

/// What is written: how it is made, and how it is passed on.
struct Named {
    statements: TokenStream,
    arguments: TokenStream,
}

/// One entry, and its value.
fn entry_named(door: &TokenStream, update: &Update, made: &TokenStream, new: &TokenStream) -> Named {
    let site = Span::mixed_site();
    let [entry, value] = ["__entry", "__value"].map(local);
    let first = new.clone().into_iter().next();
    let value_there = respan(&value, first.map_or(site, |first| resolved(first.span())));
    let later = quote_spanned!(site=> #door::written_later(#entry));
    let later = located(later, update.entry.span);
    Named {
        statements: quote_spanned! {site=>
            let #entry = #made;
            let #entry = #later;
            let #value = #new;
        },
        arguments: quote_spanned!(site=> #entry, #value_there),
    }
}

/// The entries of the items of a list, and their values.
fn items_named(
    plan: &BehindPlan,
    update: &Update,
    (items, item): (&TokenStream, &Ident),
    made: &TokenStream,
    new: &TokenStream,
) -> Named {
    let site = Span::mixed_site();
    let door = &plan.writer.door;
    let [entry, entries, values] = ["__entry", "__entries", "__values"].map(local);
    let list = plan
        .writer
        .function
        .arguments()
        .find(|(name, _)| {
            let batch = plan.batch.as_ref();
            batch.is_some_and(|batch| name.is_some_and(|name| name.unraw() == batch.items.unraw()))
        })
        .map_or(site, |(_, argument)| argument.ty.span());
    let list = located(quote_spanned!(site=> #door::gathered(#items)), list);
    let later = quote_spanned!(site=> #door::written_later(#entry));
    let later = located(later, update.entry.span);
    let made = quote_spanned!(site=> { let #entry = #made; #later });
    let (made, new) = (of_item(item, &made), of_item(item, new));
    Named {
        statements: quote_spanned! {site=>
            let #entries = #door::entries(#items, #list, #made);
            let #values = #entries.with(#new);
        },
        arguments: values.to_token_stream(),
    }
}

fn settings(plan: &BehindPlan) -> TokenStream {
    let door = &plan.writer.door;
    let function = plan.writer.function.sig.ident.unraw().to_string();
    let BehindPlan {
        queue,
        retries,
        concurrency,
        batch,
        ..
    } = plan;
    let together = match batch {
        None => quote!(::core::option::Option::None),
        Some(batch) => {
            let most = batch.most;
            let (secs, nanos) = (batch.every.as_secs(), batch.every.subsec_nanos());
            quote!(::core::option::Option::Some(#door::Together {
                most: #most,
                every: #door::Duration::new(#secs, #nanos),
            }))
        }
    };
    quote! {
        static __SETTINGS: #door::Settings = #door::Settings {
            function: #function,
            queue: #queue,
            retries: #retries,
            concurrency: #concurrency,
            together: #together,
        };
    }
}

/// What all runs share, and what each takes for itself: of what was borrowed all have one copy, and of the rest each has its own.
fn shared(plan: &BehindPlan) -> (TokenStream, TokenStream) {
    let door = &plan.writer.door;
    let site = Span::mixed_site();
    let (mut once, mut each) = (TokenStream::new(), TokenStream::new());
    for (position, input) in plan.writer.function.sig.inputs.iter().enumerate() {
        let kept = local(&format!("__owned_{position}"));
        if plan
            .batch
            .as_ref()
            .is_some_and(|batch| owned::is_named(input, &batch.items))
        {
            continue;
        }
        if owned::borrows(input) {
            once.extend(quote_spanned!(site=> let #kept = #door::Arc::new(#kept);));
            each.extend(quote_spanned!(site=> let #kept = #door::Arc::clone(&#kept);));
        } else {
            let first = input.to_token_stream().into_iter().next();
            let repeated = quote_spanned!(site=> #door::repeated(&#kept));
            let repeated = located(repeated, first.map_or(site, |first| first.span()));
            each.extend(quote_spanned!(site=> let #kept = #repeated;));
        }
    }
    (once, each)
}

fn run(plan: &BehindPlan, name: &Ident, arguments: &[TokenStream]) -> TokenStream {
    let owner = plan.in_impl.then(|| quote!(Self::));
    let params = plan.writer.function.sig.generics.params.iter();
    let params: Vec<&Ident> = params
        .filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            GenericParam::Lifetime(_) => None,
        })
        .collect();
    let turbofish = (!params.is_empty()).then(|| quote!(::<#(#params),*>));
    quote!(#owner #name #turbofish (#(#arguments),*))
}

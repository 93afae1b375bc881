//! What a function gives entries as new values: as steps around its body.

use super::invalidate::{Steps, resolved};
use crate::names::{local, located, respan};
use crate::plan::{Update, Value};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

pub(super) fn update(steps: &mut Steps<'_>, position: usize, planned: &Update) {
    let Update { entry, value, items } = planned;
    if let (Some(items), Some(item)) = (items, &entry.item) {
        each(steps, position, planned, items, item);
        return;
    }
    let writer = steps.writer;
    let updated = local(&format!("__updated_{position}"));
    let span = resolved(entry.span);
    let (made, whole) = steps.entry(position, entry);
    let method = match (&entry.output, value) {
        (Some(_), _) => "update_late",
        (None, Value::Returned(_)) => "update_returned",
        (None, Value::Before(_) | Value::After { .. }) => "update",
    };
    let method = Ident::new(method, span);
    let named = quote_spanned!(span=> let #updated = #writer.#method(&#made););
    let Some(output) = &entry.output else {
        steps.before.push(named);
        match value {
            Value::Before(value) => steps.values.push(set(writer, &updated, value, span)),
            Value::Returned(at) => {
                let set = set_returned(steps, &updated, *at, span);
                steps.after.push(set);
            }
            Value::After { value, output, .. } => {
                copy(steps, position, planned);
                let copies = copies(position, planned);
                let set = set(writer, &updated, value, span);
                steps.with_output(&[output], &quote!(#copies #set));
            }
        }
        return;
    };
    steps.unknown.push(whole);
    match value {
        Value::Before(value) => {
            let kept = kept(position, "new");
            let value_at = value
                .clone()
                .into_iter()
                .next()
                .map_or(span, |first| resolved(first.span()));
            steps
                .values
                .push(quote_spanned!(Span::mixed_site()=> let #kept = #value;));
            let kept = respan(&kept, value_at);
            let set = set(writer, &updated, &kept.to_token_stream(), span);
            steps.with_output(&[output], &quote!(#named #set));
        }
        Value::Returned(at) => {
            let set = set_returned(steps, &updated, *at, span);
            steps.with_output(&[output], &quote!(#named #set));
        }
        Value::After {
            value,
            output: in_value,
            ..
        } => {
            copy(steps, position, planned);
            let copies = copies(position, planned);
            let set = set(writer, &updated, value, span);
            steps.with_output(&[output, in_value], &quote!(#named #copies #set));
        }
    }
}

/// The same for each item of a list.
fn each(steps: &mut Steps<'_>, position: usize, planned: &Update, items: &TokenStream, item: &Ident) {
    let (door, writer) = (steps.door, steps.writer);
    let updated = local(&format!("__updated_{position}"));
    let span = resolved(planned.entry.span);
    let (made, whole) = steps.entry(position, &planned.entry);
    let made = of_item(item, &made);
    let list = listed(door, items);
    let named = |method| {
        let method = Ident::new(method, span);
        quote_spanned!(span=> let #updated = #writer.#method(#list, #made);)
    };
    let set = |value| {
        let value = of_item(item, value);
        quote_spanned!(span=> #writer.set_each(#updated, #value);)
    };
    match &planned.value {
        Value::Before(value) => {
            steps.before.push(named("update_each"));
            steps.values.push(set(value));
        }
        Value::After { value, output, .. } => {
            steps.unknown.push(whole);
            copy(steps, position, planned);
            let (copies, named, set) = (copies(position, planned), named("update_each_late"), set(value));
            steps.with_output(&[output], &quote!(#copies #named #set));
        }
        Value::Returned(_) => {}
    }
}

/// The items of a list, reported where it is named if it is none.
pub(super) fn listed(door: &TokenStream, items: &TokenStream) -> TokenStream {
    let last = items.clone().into_iter().last();
    let span = last.map_or_else(Span::mixed_site, |last| last.span());
    located(quote_spanned!(Span::mixed_site()=> #door::items(#items)), span)
}

/// The closure from an item to what is made of it, which may be none of its own.
pub(super) fn of_item(item: &Ident, made: &TokenStream) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> |#[allow(unused_variables)] #item| #made)
}

/// Made only where the strategy of the cached function has a use for it.
fn set(writer: &Ident, updated: &Ident, value: &TokenStream, span: Span) -> TokenStream {
    quote_spanned!(span=> if #writer.wants(#updated) { #writer.set(#updated, #value); })
}

fn set_returned(steps: &Steps<'_>, updated: &Ident, at: Span, span: Span) -> TokenStream {
    let (writer, returned) = (steps.writer, steps.returned);
    let returned = respan(returned, resolved(at));
    quote_spanned!(span=> #writer.set_returned(#updated, #returned);)
}

/// Copies the arguments that a value needs after the body, which may take them.
fn copy(steps: &mut Steps<'_>, position: usize, planned: &Update) {
    let door = steps.door;
    for name in copied(planned) {
        let kept = kept(position, &name.to_string());
        steps
            .before
            .push(quote_spanned!(Span::mixed_site()=> let #kept = #door::keep(&#name);));
    }
}

/// Gives the copies the names of the arguments.
fn copies(position: usize, planned: &Update) -> TokenStream {
    let copies = copied(planned).iter().map(|name| {
        let kept = kept(position, &name.to_string());
        quote!(#[allow(unused_variables)] let #name = #kept;)
    });
    copies.collect()
}

fn copied(planned: &Update) -> &[Ident] {
    match &planned.value {
        Value::After { copied, .. } => copied,
        Value::Returned(_) | Value::Before(_) => &[],
    }
}

fn kept(position: usize, what: &str) -> Ident {
    let what = what.trim_start_matches("r#");
    local(&format_ident!("__value_{position}_{what}").to_string())
}

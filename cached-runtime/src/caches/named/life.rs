//! The rules about how long entries live, and about what is reloaded before or after that, for what was said of a cache.

use std::time::Duration;

use super::settings::{Said, SaidRefresh};
use crate::policy::Strategy;

/// Notes every mistake.
pub(super) fn check(said: &Said, mistakes: &mut Vec<String>) {
    fractions(said, mistakes);
    counted_from(said, mistakes);
    never(said, mistakes);
}

fn fractions(said: &Said, mistakes: &mut Vec<String>) {
    if let Some(jitter) = said.jitter
        && !(0.0..1.0).contains(&jitter)
    {
        mistakes.push(format!(
            "`jitter` is a fraction from 0 to less than 1, as 0.1 for a tenth, and this is {jitter}"
        ));
    }
    if let Some(SaidRefresh::Part(part)) = said.refresh
        && !(1..1_000_000).contains(&millionths(part))
    {
        mistakes.push(format!(
            "`refresh_at` is a fraction of the ttl, more than 0 and less than 1, as 0.8, and this is {part}"
        ));
    }
}

/// What is counted from a ttl needs one.
fn counted_from(said: &Said, mistakes: &mut Vec<String>) {
    let counted = said.ttl.is_some() || said.expires.is_some();
    if said.jitter.is_some()
        && !counted
        && said.none_ttl.is_none()
        && said.tiers.iter().all(|tier| tier.ttl.is_none())
    {
        mistakes.push("`jitter` is taken off a ttl, and there is none: add `ttl`, or remove it".to_owned());
    }
    if counted {
        return;
    }
    if said.stale.is_some() {
        mistakes.push(
            "`stale` begins where the ttl ends, and there is none: add `ttl` (or `expires_with`), or remove it"
                .to_owned(),
        );
    }
    match (said.refresh, said.strategy) {
        (Some(SaidRefresh::Part(_)), _) => mistakes.push(
            "`refresh_at` is a part of the ttl, and there is none: add `ttl` (or `expires_with`), or give an age by `refresh`"
                .to_owned(),
        ),
        (None, Strategy::RefreshAhead) => mistakes.push(
            "`Strategy::RefreshAhead` reloads at 0.8 of the ttl, and there is none: add `ttl` (or `expires_with`), or give an \
             age by `refresh`"
                .to_owned(),
        ),
        _ => {}
    }
}

/// What can be seen to never happen.
fn never(said: &Said, mistakes: &mut Vec<String>) {
    let Some(ttl) = said.fixed_ttl() else { return };
    let past = |span: Duration| span >= ttl;
    if said.idle.is_some_and(past) {
        mistakes.push(
            "an entry is past its ttl before `idle` could end it: give less than the `ttl`, or remove it"
                .to_owned(),
        );
    }
    if let Some(SaidRefresh::Age(age)) = said.refresh
        && past(age)
    {
        mistakes.push(
            "an entry is past its ttl before `refresh` could begin: give less than the `ttl`, or remove it"
                .to_owned(),
        );
    }
}

/// A fraction that was checked.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped, and a cast takes what is no number for zero"
)]
pub(super) fn millionths(fraction: f64) -> u32 {
    (fraction.clamp(0.0, 1.0) * 1e6).round() as u32
}

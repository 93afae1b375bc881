//! The forms of `#[invalidate]`.

mod before_and_always;
mod combined;
mod consuming;
mod every;
mod interrupted;
mod key;
mod methods;
mod one;
mod output;
mod paths;
mod pattern;
mod several;
mod traits;

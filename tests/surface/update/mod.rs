//! `#[update]`: one file for each thing it promises.

mod combined;
mod consuming;
mod entries;
mod forms;
mod interrupted;
mod kept;
mod methods;
mod output;
mod stores;
mod strategies;
mod traits;

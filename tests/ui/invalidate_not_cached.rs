// mistakes: 6
use cached_runtime::{cache, invalidate, update};
use std::collections::HashMap;

struct Users;

impl Users {
    async fn user(&self, id: u64) -> u64 {
        id
    }

    #[invalidate(self.user(id))]
    async fn rename(&self, id: u64) {
        let _ = (self, id);
    }

    #[invalidate(Self::user(..))]
    async fn rename_all() {}
}

async fn post(id: u64) -> u64 {
    id
}

#[invalidate(post(id))]
async fn write(id: u64) {
    let _ = id;
}

#[invalidate(post(output))]
async fn write_next(id: u64) -> u64 {
    id
}

#[update(post(id) = id)]
async fn store(id: u64) {
    let _ = id;
}

#[cache(entries(post(id) for id in ids))]
async fn posts(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

fn main() {}

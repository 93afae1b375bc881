//! A closure is the same for every call, so it has nothing of one.
// mistakes: 4
use cached_runtime::cache;
use std::time::Duration;

#[cache(cache_if = |value| *value > least)]
async fn above(id: u64, least: u64) -> u64 {
    id + least
}

#[cache(ttl = |_| life, skip(life), companions = false)]
async fn brief(id: u64, life: Duration) -> Option<u64> {
    (life > Duration::ZERO).then_some(id)
}

struct Users(u64);

impl Users {
    #[cache(cache_if = |value| *value > self.0, key = "{self.0}:{id}")]
    async fn user(&self, id: u64) -> u64 {
        self.0 + id
    }
}

fn longer(life: u64) -> bool {
    life > 1
}

// These are the closure's own, or not the argument.
#[cache(cache_if = |life| { let id = *life; id > 1 && longer(id) }, max_bytes = "1KiB", weight = |_, id| id.life())]
async fn own(id: u64, life: u64, longer: u64) -> Option<u64> {
    Some(id + life + longer)
}

trait Life {
    fn life(&self) -> u32;
}

impl Life for u64 {
    fn life(&self) -> u32 {
        8
    }
}

fn main() {}

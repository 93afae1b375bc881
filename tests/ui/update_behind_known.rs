// mistakes: 5
use cached_runtime::{cache, update};

#[update(users::get_user(&user.id), strategy = "write_behind")]
async fn first_form(user: User) {
    let _ = user;
}

#[update(get_user(id) = output, strategy = "write_behind")]
async fn output_in_the_value(id: u64) {
    let _ = id;
}

#[update(get_user(output.id) = 1, strategy = "write_behind")]
async fn output_in_the_key(id: u64) {
    let _ = id;
}

#[update(get_user(id) = 1, get_name(id) = 2, strategy = "write_behind")]
async fn two(id: u64) {
    let _ = id;
}

#[update(get_user(id) = 1, strategy = "write_behind")]
#[update(get_name(id) = 1, strategy = "write_behind")]
async fn twice(id: u64) {
    let _ = id;
}

#[cache(strategy = "write_behind", backend = "local")]
async fn get_name(id: u64) -> u64 {
    id
}

fn main() {}

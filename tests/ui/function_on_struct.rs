use cached_runtime::cache;

#[cache]
struct User;

fn main() {}

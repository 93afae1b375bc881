use cached_runtime::cache;

use std::borrow::Cow;

#[cache]
async fn name<'a>(name: &'a str) -> Result<Cow<'a, str>, ()> {
    Ok(Cow::Borrowed(name))
}

fn main() {}

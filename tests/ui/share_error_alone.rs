use cached_runtime::cache;

#[cache(single_flight = "off", share_error = |error: &u8| *error)]
async fn user(id: u64) -> Result<String, u8> {
    Ok(id.to_string())
}

fn main() {}

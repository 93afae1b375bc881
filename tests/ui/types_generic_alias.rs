use cached_runtime::cache;

type Answer<T> = Result<T, String>;

#[cache]
async fn user<T: From<u64> + Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static>(
    id: u64,
) -> Answer<T> {
    Ok(T::from(id))
}

fn main() {}

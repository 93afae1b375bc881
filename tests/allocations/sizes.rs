//! The future of an annotated function is small, whatever its body holds.

use std::future::Future;
use std::hint::black_box;

use cached_runtime::cache;

/// Beyond the arguments.
const MOST: usize = 128;

type Wide = [u64; 512];

/// Keeps four KiB across an await.
async fn heavy(id: u64) -> u64 {
    let wide: Wide = [id; 512];
    tokio::task::yield_now().await;
    black_box(&wide)[7]
}

#[cache(backend = "local")]
async fn by_number(id: u64) -> u64 {
    heavy(id).await
}

#[cache(backend = ["local", "far"], ttl = "1h")]
async fn by_text(name: &str) -> Option<u64> {
    Some(heavy(name.len() as u64).await)
}

#[cache(backend = ["local", "far"], skip(db))]
async fn by_both(db: &Wide, tenant: &str, id: u64) -> Result<u64, String> {
    Ok(heavy(id + tenant.len() as u64 + db[0]).await)
}

#[cache(backend = "local")]
async fn owned(name: String, parts: Vec<u64>) -> Result<Option<u64>, String> {
    Ok(Some(heavy(name.len() as u64 + parts.len() as u64).await))
}

#[cache(backend = "local")]
async fn large_value(id: u64) -> Result<std::sync::Arc<Wide>, String> {
    let wide = [heavy(id).await; 512];
    Ok(std::sync::Arc::new(wide))
}

struct Repository;

impl Repository {
    #[cache(backend = "local", skip(self), companions = false)]
    async fn find(&self, id: u64) -> Option<u64> {
        Some(heavy(id).await)
    }
}

#[track_caller]
fn small<F: Future>(call: F, arguments: usize) {
    let size = size_of_val(&call);
    assert!(
        size <= MOST + arguments,
        "{size} bytes, for {arguments} of arguments"
    );
}

#[test]
fn a_call_takes_128_bytes_beside_its_arguments() {
    small(by_number(1), size_of::<u64>());
    small(by_text("a"), size_of::<&str>());
    small(by_both(&[0; 512], "a", 1), size_of::<(&Wide, &str, u64)>());
    small(owned(String::new(), Vec::new()), size_of::<(String, Vec<u64>)>());
    small(large_value(1), size_of::<u64>());
    small(Repository.find(1), size_of::<(&Repository, u64)>());
}

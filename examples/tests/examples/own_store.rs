//! What the example of a store of one's own promises on the terminal, and that the store keeps the laws of stores.

use std::sync::Arc;

use cached_runtime::Store;
use cached_runtime::testing::conformance;
use folder::Folder;

use crate::place::Place;

#[path = "../../own-store/folder.rs"]
mod folder;

#[test]
fn a_folder_is_warm_after_a_restart() {
    let said = Place::new().run("own-store");
    assert!(said.contains("first round: queries run: 100\n"), "{said}");
    assert!(said.contains("second round: queries run: 0\n"), "{said}");
    assert!(said.contains("price before"), "{said}");
}

#[tokio::test]
async fn a_folder_keeps_the_laws_of_stores() {
    let place = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Folder::open(place.path()).await.unwrap());
    if let Err(broken) = conformance::check(&store).await {
        panic!("{broken}");
    }
}
